#include "../tessera.h"

extern char sources[], destinations[], ports[], sourceWords[], destinationWords[], portWords[], actions[];
#define WORDS 16

static __attribute__((always_inline)) inline u32 trailing_zeros(u64 word) {
  u32 count = 0;
  if (!(u32)word) count = 32, word >>= 32;
  if (!(word & 0xffff)) count += 16, word >>= 16;
  if (!(word & 0xff)) count += 8, word >>= 8;
  if (!(word & 0xf)) count += 4, word >>= 4;
  if (!(word & 3)) count += 2, word >>= 2;
  if (!(word & 1)) count += 1;
  return count;
}

SEC("tc") int peer(struct __sk_buff *skb) {
  struct ethernet *eth = DATA(skb);
  struct ip *ip = (void *)(eth + 1);
  struct ports *layer4 = (void *)(ip + 1);
  void *end = DATA_END(skb);
  if ((void *)(eth + 1) > end) return DROP;
  if (eth->type != htons(0x0800)) return PASS;
  if ((void *)(ip + 1) > end) return DROP;
  if ((ip->version_length & 15) != 5 || (ip->fragment & htons(0x1fff))) return PASS;
  if ((void *)(layer4 + 1) > end) return DROP;

  u32 *source = map_lookup_elem(sources, &ip->source);
  if (!source) return DROP;
  u32 *destination = map_lookup_elem(destinations, &ip->destination);
  if (!destination) return DROP;
  u32 port = ntohs(layer4->destination);
  u32 *service = map_lookup_elem(ports, &port);
  if (!service) return DROP;
  u32 source_row = *source * WORDS, destination_row = *destination * WORDS, service_row = *service * WORDS;
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < WORDS; i++) {
    u32 index = source_row + i;
    u64 *one = map_lookup_elem(sourceWords, &index);
    if (!one) return DROP;
    index = destination_row + i;
    u64 *two = map_lookup_elem(destinationWords, &index);
    if (!two) return DROP;
    index = service_row + i;
    u64 *three = map_lookup_elem(portWords, &index);
    if (!three) return DROP;
    u64 word = *one & *two & *three;
    if (!word) continue;
    index = i * 64 + trailing_zeros(word);
    u16 *action = map_lookup_elem(actions, &index);
    if (!action) return DROP;
    return FORWARD + *action;
  }
  return DROP;
}
