#include "../tessera.h"

extern char ends[];
struct end {
  u32 remote, id;
  u8 gateway[6], source[6];
};
struct udp {
  struct ports ports;
  u16 length, checksum;
};
struct vxlan {
  u32 flags, id;
};
struct outer {
  struct ethernet ethernet;
  struct ip ip;
  struct udp udp;
  struct vxlan vxlan;
  struct ethernet inner;
} __attribute__((packed, aligned(2)));
#define ROOM (sizeof(struct outer) - sizeof(struct ethernet))
#define LOCAL 0xc0000201

SEC("tc") int peer(struct __sk_buff *skb) {
  struct ethernet *frame = DATA(skb);
  if ((void *)(frame + 1) > DATA_END(skb)) return DROP;
  u8 address[6];
  __builtin_memcpy(address, frame->destination, 6);
  struct end *end = map_lookup_elem(ends, address);
  if (!end) return DROP;
  u32 length = skb->len;
  if (skb_adjust_room(skb, ROOM, BPF_ADJ_ROOM_MAC,
                      BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L4_UDP | BPF_F_ADJ_ROOM_ENCAP_L2_ETH | 14ull << 56))
    return DROP;
  struct outer *outer = DATA(skb);
  if ((void *)(outer + 1) > DATA_END(skb)) return DROP;
  outer->inner = outer->ethernet;
  __builtin_memcpy(outer->ethernet.destination, end->gateway, 6);
  __builtin_memcpy(outer->ethernet.source, end->source, 6);
  outer->ethernet.type = htons(0x0800);
  struct ip *ip = (void *)&outer->ethernet + sizeof(struct ethernet);
  u16 total = htons(length + 36);
  ip->version_length = 0x45;
  ip->service = 0;
  ip->length = total;
  ip->identification = 0;
  ip->fragment = 0;
  ip->ttl = 64;
  ip->protocol = 17;
  ip->source = htonl(LOCAL);
  ip->destination = end->remote;
  u32 sum = htons(0x4500) + total + htons(64 << 8 | 17) + htons(LOCAL >> 16) + htons(LOCAL & 0xffff) + (end->remote & 0xffff) +
            (end->remote >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  ip->checksum = ~sum;
  outer->udp.ports.source = htons(49152);
  outer->udp.ports.destination = htons(4789);
  outer->udp.length = htons(length + 16);
  outer->udp.checksum = 0;
  outer->vxlan.flags = htonl(8 << 24);
  outer->vxlan.id = htonl(end->id << 8);
  return FORWARD + 1;
}
