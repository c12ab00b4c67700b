#include "../tessera.h"

extern char slots[];
#define SLOTS 65537

static __attribute__((always_inline)) inline u32 rotate(u32 x, int by) { return x << by | x >> (32 - by); }

static __attribute__((always_inline)) inline u32 mix(u32 hash, u32 word) { return rotate(hash ^ rotate(word * 0xcc9e2d51, 15) * 0x1b873593, 13) * 5 + 0xe6546b64; }

SEC("tc") int peer(struct __sk_buff *skb) {
  struct ethernet *eth = DATA(skb);
  struct ip *ip = (void *)(eth + 1);
  struct ports *ports = (void *)(ip + 1);
  void *end = DATA_END(skb);
  if ((void *)(eth + 1) > end) return DROP;
  if (eth->type != htons(0x0800)) return PASS;
  if ((void *)(ip + 1) > end) return DROP;
  if ((ip->version_length & 15) != 5 || (ip->fragment & htons(0x1fff))) return PASS;
  if (ip->protocol != 6 && ip->protocol != 17) return PASS;
  if ((void *)(ports + 1) > end) return DROP;

  u32 hash = mix(0, ntohl(ip->source));
  hash = mix(hash, ntohl(ip->destination));
  hash = mix(hash, (u32)ntohs(ports->source) << 16 | ntohs(ports->destination));
  hash = mix(hash, ip->protocol);
  hash = (hash ^ hash >> 16) * 0x85ebca6b;
  hash = (hash ^ hash >> 13) * 0xc2b2ae35;
  hash ^= hash >> 16;
  u32 index = hash % SLOTS;
  u16 *backend = map_lookup_elem(slots, &index);
  if (!backend || *backend == 0) return DROP;
  return FORWARD + *backend;
}
