#include "../tessera.h"

extern char translations[];
struct key {
  u32 address;
  u16 port;
  u8 protocol;
};
struct translation {
  u32 address;
  u16 port;
};
struct tcp {
  struct ports ports;
  u16 sequence[2], acknowledgment[2], flags, window, checksum, urgent;
};
struct udp {
  struct ports ports;
  u16 length, checksum;
};
#define TRANSPORT (sizeof(struct ethernet) + sizeof(struct ip))

SEC("tc") int peer(struct __sk_buff *skb) {
  struct ethernet *eth = DATA(skb);
  struct ip *ip = (void *)(eth + 1);
  struct ports *ports = (void *)(ip + 1);
  void *end = DATA_END(skb);
  if ((void *)(eth + 1) > end) return DROP;
  if (eth->type != htons(0x0800)) return PASS;
  if ((void *)(ip + 1) > end) return DROP;
  if ((ip->version_length & 15) != 5 || (ip->fragment & htons(0x1fff))) return PASS;
  u8 protocol = ip->protocol;
  u32 checksum_at;
  u64 zero;
  if (protocol == 6) {
    if (DATA(skb) + TRANSPORT + sizeof(struct tcp) > end) return DROP;
    checksum_at = TRANSPORT + 16;
    zero = 0;
  } else if (protocol == 17) {
    if (DATA(skb) + TRANSPORT + sizeof(struct udp) > end) return DROP;
    checksum_at = TRANSPORT + 6;
    zero = BPF_F_MARK_MANGLED_0;
  } else
    return PASS;

  struct key key;
  __builtin_memset(&key, 0, sizeof(key));
  key.address = ip->source;
  key.port = ntohs(ports->source);
  key.protocol = protocol;
  struct translation *to = map_lookup_elem(translations, &key);
  if (!to) return DROP;
  u32 old_address = ip->source, new_address = to->address;
  u16 old_port = ports->source, new_port = htons(to->port);
  ip->source = new_address;
  ports->source = new_port;
  /* RFC 1624, equation 3 */
  u64 sum = (u64)(u16)~ip->checksum + (u32)~old_address + new_address;
  sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  ip->checksum = ~sum;
  l4_csum_replace(skb, checksum_at, old_address, new_address, BPF_F_PSEUDO_HDR | zero | 4);
  l4_csum_replace(skb, checksum_at, old_port, new_port, zero | 2);
  return FORWARD + 1;
}
