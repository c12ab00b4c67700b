#include "../tessera.h"

extern char buckets[];
struct bucket {
  u64 credit, updated;
};
#define NANOSECONDS_A_BYTE 8
#define BURST 10000000000ull

SEC("tc") int peer(struct __sk_buff *skb) {
  struct ethernet *eth = DATA(skb);
  struct ip *ip = (void *)(eth + 1);
  if ((void *)(eth + 1) > DATA_END(skb)) return DROP;
  if (eth->type != htons(0x0800)) return PASS;
  if ((void *)(ip + 1) > DATA_END(skb)) return DROP;
  struct bucket *bucket = map_lookup_elem(buckets, &ip->source);
  if (!bucket) return DROP;
  u64 now = ktime_get_ns();
  u64 credit = bucket->credit + (now - bucket->updated);
  if (credit > BURST) credit = BURST;
  bucket->updated = now;
  u64 cost = (u64)skb->len * NANOSECONDS_A_BYTE;
  if (credit < cost) {
    bucket->credit = credit;
    return DROP;
  }
  bucket->credit = credit - cost;
  return FORWARD + 1;
}
