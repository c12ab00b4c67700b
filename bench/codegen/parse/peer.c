#include "../tessera.h"

extern char last[];
struct flow {
  u32 source, destination;
  u16 source_port, destination_port, vlan;
  u8 protocol, service;
  u32 length;
};

SEC("tc") int peer(struct __sk_buff *skb) {
  struct ethernet *eth = DATA(skb);
  struct ip *ip = (void *)(eth + 1);
  struct ports *ports = (void *)(ip + 1);
  void *end = DATA_END(skb);
  if ((void *)(eth + 1) > end) return DROP;
  if (eth->type != htons(0x0800)) return PASS;
  if ((void *)(ip + 1) > end) return DROP;
  if (ip->version_length != 0x45) return DROP;
  if (ip->ttl <= 1) return DROP;
  if (ip->fragment & htons(0x1fff)) return PASS;
  if (ip->protocol != 6 && ip->protocol != 17) return PASS;
  if ((void *)(ports + 1) > end) return DROP;
  u32 index = 0;
  struct flow *flow = map_lookup_elem(last, &index);
  if (!flow) return DROP;
  flow->source = ip->source;
  flow->destination = ip->destination;
  flow->source_port = ntohs(ports->source);
  flow->destination_port = ntohs(ports->destination);
  flow->vlan = skb->vlan_present ? skb->vlan_tci & 0xfff : 0;
  flow->protocol = ip->protocol;
  flow->service = ip->service;
  flow->length = ntohs(ip->length);
  return FORWARD + 1;
}
