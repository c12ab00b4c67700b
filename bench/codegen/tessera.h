/* The little that the C peers need: types, the context, helpers, byte order. Maps are external symbols. */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

/* struct __sk_buff (linux/bpf.h), as far as it is used */
struct __sk_buff {
  u32 len, pkt_type, mark, queue_mapping, protocol, vlan_present, vlan_tci, vlan_proto, priority, ingress_ifindex, ifindex,
      tc_index, cb[5], hash, tc_classid, data, data_end;
};

static void *(*map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*map_update_elem)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static u64 (*ktime_get_ns)(void) = (void *)5;
static long (*l4_csum_replace)(struct __sk_buff *skb, u32 offset, u64 from, u64 to, u64 flags) = (void *)11;
static long (*skb_change_tail)(struct __sk_buff *skb, u32 length, u64 flags) = (void *)38;
static long (*skb_change_head)(struct __sk_buff *skb, u32 room, u64 flags) = (void *)43;
static long (*skb_adjust_room)(struct __sk_buff *skb, int difference, u32 mode, u64 flags) = (void *)50;
enum { BPF_ADJ_ROOM_MAC = 1, BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 = 2, BPF_F_ADJ_ROOM_ENCAP_L4_UDP = 16, BPF_F_ADJ_ROOM_ENCAP_L2_ETH = 64 };
enum { BPF_F_PSEUDO_HDR = 0x10, BPF_F_MARK_MANGLED_0 = 0x20 };

#define SEC(name) __attribute__((section(name), used))
#define htons(x) __builtin_bswap16(x)
#define htonl(x) __builtin_bswap32(x)
#define ntohs(x) __builtin_bswap16(x)
#define ntohl(x) __builtin_bswap32(x)
#define DATA(skb) ((void *)(long)(skb)->data)
#define DATA_END(skb) ((void *)(long)(skb)->data_end)

enum { PASS = 0, DROP = 2, FLOOD = 3, FORWARD = 0x100 };

struct ethernet {
  u8 destination[6], source[6];
  u16 type;
} __attribute__((packed, aligned(2)));

/* Like Linux' own struct iphdr, aligned as a struct is: addresses are read in one piece. */
struct ip {
  u8 version_length, service;
  u16 length, identification, fragment;
  u8 ttl, protocol;
  u16 checksum;
  u32 source, destination;
};

struct ports {
  u16 source, destination;
};
