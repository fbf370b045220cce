/* Attributes shared by every layer. */
#ifndef FYKE_BASE_ATTR_H
#define FYKE_BASE_ATTR_H

/* A result that the caller must look at: operational errors are never dropped by accident. */
#define FYKE_MUST_USE __attribute__((warn_unused_result))
#define FYKE_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
/* What happens rarely, kept out of what happens always. */
#define FYKE_NOINLINE __attribute__((noinline))
#define FYKE_NORETURN __attribute__((noreturn))
/* Scope cleanup: `FYKE_CLEANUP(buf_release) struct buf b = BUF_INIT;` */
#define FYKE_CLEANUP(fn) __attribute__((cleanup(fn)))
#define FYKE_LIKELY(x) __builtin_expect(!!(x), 1)
#define FYKE_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define FYKE_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
