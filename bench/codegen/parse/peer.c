#include "../tessera.h"

extern char last[];
struct flow {
  u32 source4, destination4, source6[4], destination6[4];
  u16 source_port, destination_port, vlan;
  u8 protocol, fragment;
};
struct vlan {
  u16 tag, type;
};
struct ip6 {
  u32 version_class_label;
  u16 length;
  u8 next, hop_limit;
  u32 source[4], destination[4];
};
struct extension {
  u8 next, length;
  u16 fragment;
  u32 identification;
};
enum { HOP_BY_HOP = 0, TCP = 6, UDP = 17, ROUTING = 43, FRAGMENT = 44, DESTINATION = 60 };
#define EXTENSIONS 6

SEC("tc") int peer(struct __sk_buff *skb) {
  struct ethernet *eth = DATA(skb);
  void *end = DATA_END(skb);
  if ((void *)(eth + 1) > end) return DROP;
  u32 index = 0;
  struct flow *flow = map_lookup_elem(last, &index);
  if (!flow) return DROP;
  u16 type = eth->type;
  void *at = eth + 1;
  if (type == htons(0x8100) || type == htons(0x88a8)) {
    struct vlan *vlan = at;
    if ((void *)(vlan + 1) > end) return DROP;
    type = vlan->type;
    at = vlan + 1;
  }
  u8 protocol, fragment = 0;
  if (type == htons(0x0800)) {
    struct ip *ip = at;
    if ((void *)(ip + 1) > end) return DROP;
    u32 length = ip->version_length & 15;
    if (ip->version_length >> 4 != 4 || length < 5) return DROP;
    flow->source4 = ip->source;
    flow->destination4 = ip->destination;
    protocol = ip->protocol;
    if (ip->fragment & htons(0x3fff)) fragment = ip->fragment & htons(0x1fff) ? 2 : 1;
    at += length * 4;
  } else if (type == htons(0x86dd)) {
    struct ip6 *ip = at;
    if ((void *)(ip + 1) > end) return DROP;
    for (int i = 0; i < 4; i++) flow->source6[i] = ip->source[i], flow->destination6[i] = ip->destination[i];
    protocol = ip->next;
    at = ip + 1;
    for (int i = 0; i < EXTENSIONS; i++) {
      if (protocol != HOP_BY_HOP && protocol != ROUTING && protocol != DESTINATION && protocol != FRAGMENT) break;
      struct extension *extension = at;
      if ((void *)(extension + 1) > end) return DROP;
      if (protocol == FRAGMENT) {
        fragment = extension->fragment & htons(0xfff8) ? 2 : 1;
        at += 8;
      } else
        at += (extension->length + 1) * 8;
      protocol = extension->next;
      if (fragment == 2) break;
    }
  } else
    return PASS;
  flow->source_port = flow->destination_port = 0;
  if (fragment != 2 && (protocol == TCP || protocol == UDP)) {
    struct ports *ports = at;
    if ((void *)(ports + 1) > end) return DROP;
    flow->source_port = ntohs(ports->source);
    flow->destination_port = ntohs(ports->destination);
  }
  flow->vlan = skb->vlan_present ? skb->vlan_tci & 0xfff : 0;
  flow->protocol = protocol;
  flow->fragment = fragment;
  return FORWARD + 1;
}
