#include "../tessera.h"

extern char stations[];
struct station {
  u16 port;
  u64 seen;
};
enum { PORT = 0 };
#define SECOND 1000000000ull

SEC("tc") int peer(struct __sk_buff *skb) {
  struct ethernet *eth = DATA(skb);
  if ((void *)(eth + 1) > DATA_END(skb)) return DROP;
  u64 now = ktime_get_ns();
  if (!(eth->source[0] & 1)) {
    struct station *known = map_lookup_elem(stations, eth->source);
    if (!known || known->port != PORT) {
      struct station fresh;
      __builtin_memset(&fresh, 0, sizeof(fresh));
      fresh.port = PORT;
      fresh.seen = now;
      map_update_elem(stations, eth->source, &fresh, 0);
    } else if (now - known->seen > SECOND) {
      known->seen = now;
    }
  }
  if (eth->destination[0] & 1) return FLOOD;
  struct station *station = map_lookup_elem(stations, eth->destination);
  if (!station || now - station->seen > 300 * SECOND) return FLOOD;
  if (station->port == PORT) return DROP;
  return FORWARD + station->port;
}
