/* Of a Mac's system headers, what tacit uses: written for check_syntax.sh, not Apple's. */
#ifndef TACIT_DARWIN_NETINET_IN_H
#define TACIT_DARWIN_NETINET_IN_H

#include <sys/socket.h>

#define IPPROTO_IP 0
#define IPPROTO_TCP 6
#define IPPROTO_IPV6 41
#define IPV6_V6ONLY 27
typedef uint32_t in_addr_t;
typedef uint16_t in_port_t;
#define INADDR_LOOPBACK (uint32_t)0x7f000001
struct in_addr {
    in_addr_t s_addr;
};
struct sockaddr_in {
    uint8_t sin_len;
    sa_family_t sin_family;
    in_port_t sin_port;
    struct in_addr sin_addr;
    char sin_zero[8];
};
typedef struct in6_addr {
    union {
        uint8_t __u6_addr8[16];
        uint16_t __u6_addr16[8];
        uint32_t __u6_addr32[4];
    } __u6_addr;
} in6_addr_t;
#define s6_addr __u6_addr.__u6_addr8
struct sockaddr_in6 {
    uint8_t sin6_len;
    sa_family_t sin6_family;
    in_port_t sin6_port;
    uint32_t sin6_flowinfo;
    struct in6_addr sin6_addr;
    uint32_t sin6_scope_id;
};
extern const struct in6_addr in6addr_any;
extern const struct in6_addr in6addr_loopback;
#define IN6_IS_ADDR_LOOPBACK(a) ((a)->s6_addr[15] == 1)
uint16_t ntohs(uint16_t);
uint32_t ntohl(uint32_t);
uint16_t htons(uint16_t);
uint32_t htonl(uint32_t);

#endif
