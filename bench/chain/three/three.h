/* A bridge of alice, bob and a router, and a filter in front of the router's other port, as one program: for frames from alice. */
#include "../../codegen/tessera.h"

static long (*redirect)(u32 ifindex, u64 flags) = (void *)23;
static long (*clone_redirect)(struct __sk_buff *skb, u32 ifindex, u64 flags) = (void *)13;

extern char stations[], routes[], services[], counters[];

enum { OK = 0, SHOT = 2 };
enum { TO_ALICE = 0x7ffffff0, TO_BOB, TO_WAN };
#define INLINE inline __attribute__((always_inline))
#define SECOND 1000000000ull

struct station {
  u16 port;
  u64 seen;
};
struct prefix {
  u32 length, destination;
};
struct route {
  u8 gateway[6], source[6];
  u16 port;
};
struct service {
  u16 port;
  u8 protocol;
};
struct counter {
  u64 packets, bytes;
};

/* What is counted: at each interface what comes and goes, and what is dropped and why. */
enum what {
  RECEIVED_ALICE,
  SENT_ALICE,
  SENT_BOB,
  SENT_WAN,
  TRUNCATED,
  INVALID_SOURCE,
  SAME_PORT,
  NO_SUCH_PORT,
  SEND_FAILED,
  NOT_FOR_US,
  NOT_IPV4,
  OPTIONS,
  NO_ROUTE,
  EXPIRED,
  NO_PORTS,
  DENIED
};

static INLINE void count(struct __sk_buff *skb, enum what what) {
#ifdef COUNTING
  u32 index = what;
  struct counter *counter = map_lookup_elem(counters, &index);
  if (!counter) return;
  counter->packets++;
  counter->bytes += skb->len;
#endif
}

static INLINE int drop(struct __sk_buff *skb, enum what why) {
  count(skb, why);
  return SHOT;
}

static INLINE int send(struct __sk_buff *skb, u32 ifindex, enum what what) {
  count(skb, what);
  return redirect(ifindex, 0);
}

static INLINE void copy(struct __sk_buff *skb, u32 ifindex, enum what what) {
  count(skb, clone_redirect(skb, ifindex, 0) ? SEND_FAILED : what);
}

enum { ALICE, BOB, UP, EVERYWHERE = 0x10000 };

/* Learns who sends, and finds whom the frame is for: a port, or everywhere. */
static INLINE u32 bridge(struct ethernet *eth, u32 from) {
  u64 now = ktime_get_ns();
  struct station *known = map_lookup_elem(stations, eth->source);
  if (!known || known->port != from) {
    struct station fresh;
    __builtin_memset(&fresh, 0, sizeof(fresh));
    fresh.port = from;
    fresh.seen = now;
    map_update_elem(stations, eth->source, &fresh, 0);
  } else if (now - known->seen > SECOND) {
    known->seen = now;
  }
  if (eth->destination[0] & 1) return EVERYWHERE;
  struct station *station = map_lookup_elem(stations, eth->destination);
  if (!station || now - station->seen > 300 * SECOND) return EVERYWHERE;
  return station->port;
}

/* Out of the router by the port that it came in by: to one of the bridge's others. */
static INLINE int back(struct __sk_buff *skb, struct ethernet *eth) {
  if (eth->source[0] & 1) return drop(skb, INVALID_SOURCE);
  switch (bridge(eth, UP)) {
  case ALICE:
    return send(skb, TO_ALICE, SENT_ALICE);
  case BOB:
    return send(skb, TO_BOB, SENT_BOB);
  case UP:
    return drop(skb, SAME_PORT);
  case EVERYWHERE:
    copy(skb, TO_ALICE, SENT_ALICE);
    return send(skb, TO_BOB, SENT_BOB);
  }
  return drop(skb, NO_SUCH_PORT);
}

static INLINE int filter(struct __sk_buff *skb, struct ip *ip, void *end) {
  struct ports *ports = (void *)(ip + 1);
  if (ip->protocol != 6 && ip->protocol != 17) return drop(skb, NO_PORTS);
  if (ip->fragment & htons(0x1fff)) return drop(skb, NO_PORTS);
  if ((void *)(ports + 1) > end) return drop(skb, TRUNCATED);
  struct service service;
  __builtin_memset(&service, 0, sizeof(service));
  service.port = ntohs(ports->destination);
  service.protocol = ip->protocol;
  u8 *allowed = map_lookup_elem(services, &service);
  if (!allowed || !*allowed) return drop(skb, DENIED);
  return send(skb, TO_WAN, SENT_WAN);
}

enum { LAN, WAN };

static INLINE int route(struct __sk_buff *skb, struct ethernet *eth, void *end) {
  static const u8 own[6] = {2, 0, 0, 0, 1, 0};
  struct ip *ip = (void *)(eth + 1);
  if (__builtin_memcmp(eth->destination, own, 6)) return drop(skb, NOT_FOR_US);
  if (eth->type != htons(0x0800)) return drop(skb, NOT_IPV4);
  if ((void *)(ip + 1) > end) return drop(skb, TRUNCATED);
  if ((ip->version_length & 15) != 5) return drop(skb, OPTIONS);
  if (ip->ttl <= 1) return drop(skb, EXPIRED);
  struct prefix prefix = {32, ip->destination};
  struct route *route = map_lookup_elem(routes, &prefix);
  if (!route) return drop(skb, NO_ROUTE);
  /* RFC 1141: the time to live is the upper half of its word. */
  u32 sum = ip->checksum + htons(0x0100);
  ip->checksum = sum + (sum >= 0xffff);
  ip->ttl--;
  __builtin_memcpy(eth->destination, route->gateway, 6);
  __builtin_memcpy(eth->source, route->source, 6);
  switch (route->port) {
  case LAN:
    return back(skb, eth);
  case WAN:
    return filter(skb, ip, end);
  }
  return drop(skb, NO_SUCH_PORT);
}

SEC("tc") int peer(struct __sk_buff *skb) {
  struct ethernet *eth = DATA(skb);
  void *end = DATA_END(skb);
  count(skb, RECEIVED_ALICE);
  if ((void *)(eth + 1) > end) return drop(skb, TRUNCATED);
  if (eth->source[0] & 1) return drop(skb, INVALID_SOURCE);
  u32 to = bridge(eth, ALICE);
  if (to == EVERYWHERE) {
    copy(skb, TO_BOB, SENT_BOB);
    eth = DATA(skb);
    end = DATA_END(skb);
    if ((void *)(eth + 1) > end) return drop(skb, TRUNCATED);
    to = UP;
  }
  switch (to) {
  case ALICE:
    return drop(skb, SAME_PORT);
  case BOB:
    return send(skb, TO_BOB, SENT_BOB);
  case UP:
    return route(skb, eth, end);
  }
  return drop(skb, NO_SUCH_PORT);
}
