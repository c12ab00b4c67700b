#include "../tessera.h"

extern char hosts[];
struct arp {
  u16 hardware, protocol;
  u8 hardware_length, protocol_length;
  u16 operation;
  u8 sender_mac[6], sender[4], target_mac[6], target[4];
} __attribute__((packed, aligned(2)));

SEC("tc") int peer(struct __sk_buff *skb) {
  struct ethernet *eth = DATA(skb);
  struct arp *arp = (void *)(eth + 1);
  void *end = DATA_END(skb);
  if ((void *)(eth + 1) > end) return DROP;
  if (eth->type != htons(0x0806)) return PASS;
  if ((void *)(arp + 1) > end) return DROP;
  if (arp->hardware != htons(1) || arp->protocol != htons(0x0800) || arp->operation != htons(1)) return PASS;
  u32 target;
  __builtin_memcpy(&target, arp->target, 4);
  u8 *mac = map_lookup_elem(hosts, &target);
  if (!mac) return FLOOD;
  arp->operation = htons(2);
  __builtin_memcpy(arp->target_mac, arp->sender_mac, 6);
  __builtin_memcpy(arp->target, arp->sender, 4);
  __builtin_memcpy(arp->sender_mac, mac, 6);
  __builtin_memcpy(arp->sender, &target, 4);
  __builtin_memcpy(eth->destination, eth->source, 6);
  __builtin_memcpy(eth->source, mac, 6);
  return FORWARD + 1;
}
