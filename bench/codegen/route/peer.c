#include "../tessera.h"

extern char routes[];
struct prefix {
  u32 length, destination;
};
struct route {
  u8 gateway[6], source[6];
  u16 port;
};

SEC("tc") int peer(struct __sk_buff *skb) {
  struct ethernet *eth = DATA(skb);
  struct ip *ip = (void *)(eth + 1);
  void *end = DATA_END(skb);
  if ((void *)(eth + 1) > end) return DROP;
  if (eth->type != htons(0x0800)) return PASS;
  if ((void *)(ip + 1) > end) return DROP;
  struct prefix prefix = {32, ip->destination};
  struct route *route = map_lookup_elem(routes, &prefix);
  if (!route) return DROP;
  if (ip->ttl <= 1) return DROP;
  /* RFC 1141: the time to live is the upper half of its word. */
  u32 sum = ip->checksum + htons(0x0100);
  ip->checksum = sum + (sum >= 0xffff);
  ip->ttl--;
  __builtin_memcpy(eth->destination, route->gateway, 6);
  __builtin_memcpy(eth->source, route->source, 6);
  return FORWARD + route->port;
}
