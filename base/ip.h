/* IP addresses and networks. One address has one form: ::ffff:a.b.c.d, as services that listen on both
 * families write an IPv4 peer, is read as a.b.c.d, and such a network of 96 bits or more as that of
 * IPv4. Nothing is matched across families. */
#ifndef FYKE_BASE_IP_H
#define FYKE_BASE_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/slice.h"

struct ip {
    uint8_t family;    /* 4 or 6 */
    uint8_t bytes[16]; /* network order; IPv4 uses the first 4, the others are zero */
};

/* Canonical: bits behind the prefix are zero. */
struct cidr {
    struct ip ip;
    uint8_t prefix;
};

/* Dotted quad without leading zeros, or RFC 4291 text; no zone, no blanks. */
bool ip_parse(struct slice text, struct ip *ret) FYKE_MUST_USE;
/* "address/prefix"; the prefix is required. Host bits are accepted and masked: "10.1.2.3/8" is the
 * network 10.0.0.0/8. */
bool cidr_parse(struct slice text, struct cidr *ret) FYKE_MUST_USE;

#define IP_TEXT_MAX 48
#define CIDR_TEXT_MAX 52
/* RFC 5952 text, NUL-terminated; returns the length. */
size_t ip_format(const struct ip *ip, char out[IP_TEXT_MAX]);
size_t cidr_format(const struct cidr *net, char out[CIDR_TEXT_MAX]);

/* 32 or 128. */
static inline unsigned ip_bits(const struct ip *ip)
{
    return ip->family == 4 ? 32 : 128;
}
static inline size_t ip_len_bytes(const struct ip *ip)
{
    return ip->family == 4 ? 4 : 16;
}
/* IPv4 before IPv6, then by bytes. */
int ip_cmp(const struct ip *a, const struct ip *b);
/* By address, then the wider network first. */
int cidr_cmp(const struct cidr *a, const struct cidr *b);
bool cidr_contains(const struct cidr *net, const struct ip *ip);
/* The network of `prefix` bits around an address; false when the prefix is too long for it. */
bool ip_subnet(const struct ip *ip, unsigned prefix, struct cidr *ret) FYKE_MUST_USE;

#endif
