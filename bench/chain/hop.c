#include "peer.h"

SEC("tc") int peer(struct __sk_buff *skb) { return hop(skb); }
