#include "base/ip.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* Four numbers 0..255 without leading zeros; events are full of them, so without inet_pton. */
static bool parse_quad(struct slice s, uint8_t out[4])
{
    const char *p = s.ptr;
    const char *end = p + s.len;
    for (int part = 0; part < 4; part++) {
        const char *from = p;
        unsigned v = 0;
        while (p < end && p - from < 3 && *p >= '0' && *p <= '9') {
            v = v * 10 + (unsigned)(*p++ - '0');
        }
        if (p == from || v > 255 || (*from == '0' && p - from > 1)) {
            return false;
        }
        out[part] = (uint8_t)v;
        if (part < 3 && (p == end || *p++ != '.')) {
            return false;
        }
    }
    return p == end;
}

static bool is_mapped(const uint8_t bytes[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    return memcmp(bytes, mapped, sizeof(mapped)) == 0;
}

static struct ip unmapped(const uint8_t bytes[16])
{
    struct ip ip = {.family = 4};
    memcpy(ip.bytes, bytes + 12, 4);
    return ip;
}

/* An address as it is written: a mapped one is of IPv6. */
static bool parse_address(struct slice text, struct ip *ret)
{
    char z[IP_TEXT_MAX];
    struct ip quad = {.family = 4};
    if (text.len >= 7 && text.len <= 15 && parse_quad(text, quad.bytes)) {
        *ret = quad;
        return true;
    }
    if (text.len == 0 || text.len >= sizeof(z) || memchr(text.ptr, '\0', text.len)) {
        return false;
    }
    memcpy(z, text.ptr, text.len);
    z[text.len] = '\0';
    struct ip ip = {.family = 6};
    if (inet_pton(AF_INET6, z, ip.bytes) != 1) {
        return false;
    }
    *ret = ip;
    return true;
}

bool ip_parse(struct slice text, struct ip *ret)
{
    struct ip ip;
    if (!parse_address(text, &ip)) {
        return false;
    }
    *ret = ip.family == 6 && is_mapped(ip.bytes) ? unmapped(ip.bytes) : ip;
    return true;
}

/* 0..128 in decimal without leading zeros. */
static bool parse_prefix(struct slice s, unsigned *ret)
{
    unsigned v = 0;
    if (s.len == 0 || s.len > 3 || (s.len > 1 && s.ptr[0] == '0')) {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9') {
            return false;
        }
        v = v * 10 + (unsigned)(s.ptr[i] - '0');
    }
    *ret = v;
    return true;
}

bool cidr_parse(struct slice text, struct cidr *ret)
{
    const char *slash = text.len ? memchr(text.ptr, '/', text.len) : NULL;
    if (!slash) {
        return false;
    }
    size_t at = (size_t)(slash - text.ptr);
    struct ip ip;
    unsigned prefix;
    if (!parse_address(slice_from(text.ptr, at), &ip) ||
        !parse_prefix(slice_from(slash + 1, text.len - at - 1), &prefix)) {
        return false;
    }
    if (ip.family == 6 && prefix >= 96 && is_mapped(ip.bytes)) {
        ip = unmapped(ip.bytes);
        prefix -= 96;
    }
    return ip_subnet(&ip, prefix, ret);
}

/* The longest run of two or more zero groups, the first of equal ones; *len = 0 when none. */
static void longest_zero_run(const unsigned group[], unsigned count, unsigned *at, unsigned *len)
{
    *at = 0;
    *len = 0;
    for (unsigned i = 0; i < count; i++) {
        unsigned n = 0;
        while (i + n < count && group[i + n] == 0) {
            n++;
        }
        if (n >= 2 && n > *len) {
            *at = i;
            *len = n;
        }
        i += n;
    }
}

static size_t format_v6(const uint8_t bytes[16], char out[IP_TEXT_MAX])
{
    enum { count = 8 };
    unsigned group[count];
    for (unsigned i = 0; i < count; i++) {
        group[i] = (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1];
    }
    unsigned run_at, run_len;
    longest_zero_run(group, count, &run_at, &run_len);
    size_t n = 0;
    for (unsigned i = 0; i < count;) {
        if (run_len && i == run_at) {
            n += (size_t)snprintf(out + n, IP_TEXT_MAX - n, "::");
            i += run_len;
            continue;
        }
        bool first = i == 0 || (run_len && i == run_at + run_len);
        n += (size_t)snprintf(out + n, IP_TEXT_MAX - n, "%s%x", first ? "" : ":", group[i]);
        i++;
    }
    return n;
}

size_t ip_format(const struct ip *ip, char out[IP_TEXT_MAX])
{
    const uint8_t *b = ip->bytes;
    if (ip->family != 4) {
        return format_v6(b, out);
    }
    return (size_t)snprintf(out, IP_TEXT_MAX, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
}

size_t cidr_format(const struct cidr *net, char out[CIDR_TEXT_MAX])
{
    size_t n = ip_format(&net->ip, out);
    return n + (size_t)snprintf(out + n, CIDR_TEXT_MAX - n, "/%u", net->prefix);
}

int ip_cmp(const struct ip *a, const struct ip *b)
{
    if (a->family != b->family) {
        return a->family < b->family ? -1 : 1;
    }
    int c = memcmp(a->bytes, b->bytes, ip_len_bytes(a));
    return c < 0 ? -1 : c > 0;
}

int cidr_cmp(const struct cidr *a, const struct cidr *b)
{
    int c = ip_cmp(&a->ip, &b->ip);
    return c ? c : (a->prefix > b->prefix) - (a->prefix < b->prefix);
}

static void mask_host_bits(struct ip *ip, unsigned prefix)
{
    for (unsigned i = 0; i < 16; i++) {
        unsigned keep = prefix > 8 * i ? prefix - 8 * i : 0;
        if (keep < 8) {
            ip->bytes[i] = (uint8_t)(ip->bytes[i] & (0xff00U >> keep));
        }
    }
}

bool ip_subnet(const struct ip *ip, unsigned prefix, struct cidr *ret)
{
    if (prefix > ip_bits(ip)) {
        return false;
    }
    *ret = (struct cidr){.ip = *ip, .prefix = (uint8_t)prefix};
    mask_host_bits(&ret->ip, prefix);
    return true;
}

bool cidr_contains(const struct cidr *net, const struct ip *ip)
{
    if (net->ip.family != ip->family) {
        return false;
    }
    unsigned whole = net->prefix / 8;
    unsigned rest = net->prefix % 8;
    if (memcmp(net->ip.bytes, ip->bytes, whole) != 0) {
        return false;
    }
    return rest == 0 || ((net->ip.bytes[whole] ^ ip->bytes[whole]) & (0xff00U >> rest) & 0xff) == 0;
}
