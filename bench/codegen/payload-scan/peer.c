#include "../tessera.h"

struct tcp {
  struct ports ports;
  u16 sequence[2], acknowledgment[2];
  u8 offset, flags;
  u16 window, checksum, urgent;
};
#define WINDOW 64

/* Where a request line ends: the first \r\n within 64 octets of payload. */
SEC("tc") int peer(struct __sk_buff *skb) {
  struct ethernet *eth = DATA(skb);
  struct ip *ip = (void *)(eth + 1);
  void *end = DATA_END(skb);
  if ((void *)(eth + 1) > end) return DROP;
  if (eth->type != htons(0x0800)) return PASS;
  if ((void *)(ip + 1) > end) return DROP;
  if (ip->protocol != 6 || (ip->fragment & htons(0x1fff))) return PASS;
  struct tcp *tcp = (void *)ip + (ip->version_length & 15) * 4;
  if ((void *)(tcp + 1) > end) return DROP;
  u8 *payload = (void *)tcp + (tcp->offset >> 4) * 4;
  if ((void *)(payload + WINDOW) > end) return PASS;
  u8 before = 0;
#pragma clang loop unroll(disable)
  for (int i = 0; i < WINDOW; i++) {
    u8 octet = payload[i];
    if (before == '\r' && octet == '\n') return FORWARD + i;
    before = octet;
  }
  return PASS;
}
