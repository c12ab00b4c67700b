#include "../tessera.h"

struct icmp {
  u8 type, code;
  u16 checksum;
  u32 unused;
};
struct message {
  struct ethernet ethernet;
  struct ip ip;
  struct icmp icmp;
  struct ip original;
  u16 transport[4];
} __attribute__((packed, aligned(2)));
#define QUOTED 28
#define ROOM (sizeof(struct ip) + sizeof(struct icmp))
#define LOCAL 0xc0000201

SEC("tc") int peer(struct __sk_buff *skb) {
  struct ethernet *eth = DATA(skb);
  struct ip *ip = (void *)(eth + 1);
  if ((void *)(ip + 1) > DATA_END(skb) || skb->len < sizeof(*eth) + QUOTED) return DROP;
  if (eth->type != htons(0x0800) || (ip->version_length & 15) != 5) return PASS;
  if (ip->ttl > 1 || ip->protocol == 1 || (ip->fragment & htons(0x1fff))) return PASS;
  if (skb_change_tail(skb, sizeof(*eth) + QUOTED, 0)) return DROP;
  /* Ours tells the kernel which header is in front: the packet is left in the same state. */
  if (skb_adjust_room(skb, ROOM, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_ENCAP_L3_IPV4)) return DROP;
  struct message *message = DATA(skb);
  if ((void *)(message + 1) > DATA_END(skb)) return DROP;
  u8 sender[6];
  __builtin_memcpy(sender, message->ethernet.source, 6);
  __builtin_memcpy(message->ethernet.source, message->ethernet.destination, 6);
  __builtin_memcpy(message->ethernet.destination, sender, 6);
  u16 *words = (void *)&message->original;
  u32 sum = htons(11 << 8);
#pragma clang loop unroll(full)
  for (int i = 0; i < QUOTED / 2; i++) sum += words[i];
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  message->icmp.type = 11;
  message->icmp.code = 0;
  message->icmp.checksum = ~sum;
  message->icmp.unused = 0;
  u32 destination = message->original.source;
  ip = (void *)&message->ethernet + sizeof(struct ethernet);
  ip->version_length = 0x45;
  ip->service = 0;
  ip->length = htons(ROOM + QUOTED);
  ip->identification = 0;
  ip->fragment = 0;
  ip->ttl = 64;
  ip->protocol = 1;
  ip->source = htonl(LOCAL);
  ip->destination = destination;
  sum = htons(0x4500) + htons(ROOM + QUOTED) + htons(64 << 8 | 1) + htons(LOCAL >> 16) + htons(LOCAL & 0xffff) +
        (destination & 0xffff) + (destination >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  ip->checksum = ~sum;
  return FORWARD + 1;
}
