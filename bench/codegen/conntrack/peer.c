#include "../tessera.h"

extern char connections[];
struct tuple {
  u32 source, destination;
  u16 source_port, destination_port;
};
struct connection {
  u8 state;
  u64 seen;
};
enum { SYN_SENT = 1, SYN_RECEIVED, ESTABLISHED, FIN_WAIT, CLOSING, CLOSED };
enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };
#define SECOND 1000000000ull

struct tcp {
  struct ports ports;
  u16 sequence[2], acknowledgment[2];
  u8 offset, flags;
  u16 window, checksum, urgent;
};

SEC("tc") int peer(struct __sk_buff *skb) {
  struct ethernet *eth = DATA(skb);
  struct ip *ip = (void *)(eth + 1);
  struct tcp *tcp = (void *)(ip + 1);
  void *end = DATA_END(skb);
  if ((void *)(eth + 1) > end) return DROP;
  if (eth->type != htons(0x0800)) return PASS;
  if ((void *)(ip + 1) > end) return DROP;
  if (ip->protocol != 6 || (ip->version_length & 15) != 5 || (ip->fragment & htons(0x1fff))) return PASS;
  if ((void *)(tcp + 1) > end) return DROP;
  u8 flags = tcp->flags;

  struct tuple tuple = {ip->source, ip->destination, ntohs(tcp->ports.source), ntohs(tcp->ports.destination)};
  struct connection *sent = map_lookup_elem(connections, &tuple);
  if (sent) {
    u8 state = sent->state;
    if (state == CLOSED) return DROP;
    if (flags & RST) sent->state = CLOSED;
    else if (flags & FIN) sent->state = state == FIN_WAIT ? CLOSING : FIN_WAIT;
    else if (flags & ACK) {
      if (state == SYN_RECEIVED) sent->state = ESTABLISHED;
      else if (state == CLOSING) sent->state = CLOSED;
    }
    u64 now = ktime_get_ns();
    if (now - sent->seen > SECOND) sent->seen = now;
    return FORWARD + 1;
  }

  struct tuple reverse = {tuple.destination, tuple.source, tuple.destination_port, tuple.source_port};
  struct connection *received = map_lookup_elem(connections, &reverse);
  if (received) {
    u8 state = received->state;
    if (state == CLOSED) return DROP;
    if (flags & RST) received->state = CLOSED;
    else if ((flags & (SYN | ACK)) == (SYN | ACK)) {
      if (state == SYN_SENT) received->state = SYN_RECEIVED;
    } else if (flags & FIN) received->state = state == FIN_WAIT ? CLOSING : FIN_WAIT;
    else if ((flags & ACK) && state == CLOSING) received->state = CLOSED;
    u64 now = ktime_get_ns();
    if (now - received->seen > SECOND) received->seen = now;
    return FORWARD + 2;
  }

  if ((flags & (SYN | ACK)) != SYN) return DROP;
  struct connection fresh;
  __builtin_memset(&fresh, 0, sizeof(fresh));
  fresh.state = SYN_SENT;
  fresh.seen = ktime_get_ns();
  map_update_elem(connections, &tuple, &fresh, 0);
  return FORWARD + 1;
}
