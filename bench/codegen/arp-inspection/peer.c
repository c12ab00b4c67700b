#include "../tessera.h"

extern char bindings[];
struct binding {
  u8 owner[6];
  u16 port;
};
struct arp {
  u16 hardware_type, protocol_type;
  u8 hardware_length, protocol_length;
  u16 operation;
  u8 sender_mac[6];
  u32 sender_address;
  u8 target_mac[6];
  u32 target_address;
} __attribute__((packed, aligned(2)));
enum { PORT = 0 };

/* As Linux' ether_addr_equal and is_zero_ether_addr read them where unaligned reads are cheap. */
static __attribute__((always_inline)) inline u32 upper(const u8 *a) { return *(const u32 *)a; }
static __attribute__((always_inline)) inline u16 lower(const u8 *a) { return *(const u16 *)(a + 4); }
static __attribute__((always_inline)) inline int same(const u8 *a, const u8 *b) { return !((upper(a) ^ upper(b)) | (lower(a) ^ lower(b))); }
static __attribute__((always_inline)) inline int is_zero(const u8 *a) { return !(upper(a) | lower(a)); }

SEC("tc") int peer(struct __sk_buff *skb) {
  struct ethernet *eth = DATA(skb);
  struct arp *arp = (void *)(eth + 1);
  void *end = DATA_END(skb);
  if ((void *)(eth + 1) > end) return DROP;
  if (eth->type != htons(0x0806)) return PASS;
  if ((void *)(arp + 1) > end) return DROP;
  if (arp->hardware_type != htons(1) || arp->protocol_type != htons(0x0800)) return DROP;
  if (arp->hardware_length != 6 || arp->protocol_length != 4) return DROP;
  if (!same(arp->sender_mac, eth->source)) return DROP;
  if ((arp->sender_mac[0] & 1) || is_zero(arp->sender_mac)) return DROP;
  struct binding *sender = map_lookup_elem(bindings, &arp->sender_address);
  if (!sender || !same(sender->owner, arp->sender_mac) || sender->port != PORT) return DROP;
  if (arp->operation != htons(1) && arp->operation != htons(2)) return DROP;
  struct binding *target = map_lookup_elem(bindings, &arp->target_address);
  if (!target) return FLOOD;
  return FORWARD + target->port;
}
