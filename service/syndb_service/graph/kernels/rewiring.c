/* Rewiring: random graphs in which every neuron keeps its in- and its out-degree.

   Two connections a→b, c→d become a→d, c→b unless that makes a self-connection or doubles a connection
   (Maslov & Sneppen 2002, doi:10.1126/science.1065103). Where mutual pairs are kept, one-way connections
   are switched among themselves without making a pair, and pairs a⇄b, c⇄d become a⇄d, c⇄b, so that every
   neuron keeps its number of one-way partners in each direction and of mutual ones as well. Where two that
   were drawn follow each other and a third closes them to a ring, the ring is turned round: without that,
   some graphs can't be reached (Berger & Müller-Hannemann 2010, doi:10.1007/978-3-642-16926-7_22). */

#include "kernels.h"

enum { AHEAD = 32 };
static const uint64_t NONE = UINT64_MAX;

typedef struct {
    uint64_t *slot;
    uint64_t mask;
} Set;

static uint64_t mixed(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t drawn(uint64_t *state) { return mixed(*state += 0x9e3779b97f4a7c15u); }

static uint64_t below(uint64_t *state, uint64_t bound)
{
    return (uint64_t)(((unsigned __int128)drawn(state) * bound) >> 64);
}

static uint64_t ordered(int32_t pre, int32_t post) { return (uint64_t)(uint32_t)pre << 32 | (uint32_t)post; }

/* What the set holds for a connection: itself, or where pairs are kept its two neurons. */
static uint64_t key(int kept, int32_t pre, int32_t post)
{
    return kept && post < pre ? ordered(post, pre) : ordered(pre, post);
}

static uint64_t home(Set set, uint64_t item) { return mixed(item) & set.mask; }

static int holds(Set set, uint64_t item)
{
    for (uint64_t i = home(set, item);; i = (i + 1) & set.mask) {
        if (set.slot[i] == item) return 1;
        if (set.slot[i] == NONE) return 0;
    }
}

static void put(Set set, uint64_t item)
{
    uint64_t i = home(set, item);
    while (set.slot[i] != NONE) i = (i + 1) & set.mask;
    set.slot[i] = item;
}

/* Take an item out and close the gap, so that no search ends too early. */
static void take(Set set, uint64_t item)
{
    uint64_t i = home(set, item);
    while (set.slot[i] != item) i = (i + 1) & set.mask;
    for (uint64_t j = (i + 1) & set.mask; set.slot[j] != NONE; j = (j + 1) & set.mask) {
        uint64_t wanted = home(set, set.slot[j]);
        if (((j - wanted) & set.mask) >= ((j - i) & set.mask)) {
            set.slot[i] = set.slot[j];
            i = j;
        }
    }
    set.slot[i] = NONE;
}

/* Fill the set (capacity: a power of two above m) with m connections, or with m pairs of neurons. */
void fill_set(int64_t m, const int32_t *pre, const int32_t *post, int32_t kept, int64_t capacity, uint64_t *slot)
{
    Set set = {slot, (uint64_t)capacity - 1};
    for (int64_t i = 0; i < capacity; i++) slot[i] = NONE;
    for (int64_t e = 0; e < m; e++) put(set, key(kept, pre[e], post[e]));
}

/* Exchange in the set what stands for one connection. */
static void replace(Set set, uint64_t old, uint64_t new)
{
    take(set, old);
    put(set, new);
}

/* Turn the ring a→b→d→a round, if its third connection is `third` and none of the reverse ones exists. */
static int turn_ring(Set set, int kept, int32_t *pre, int32_t *post, uint64_t first, uint64_t second,
                     uint64_t third)
{
    int32_t a = pre[first], b = post[first], d = post[second];
    if (pre[third] != d || post[third] != a) return 0;
    if (!kept) {
        if (holds(set, ordered(b, a)) || holds(set, ordered(d, b)) || holds(set, ordered(a, d))) return 0;
        replace(set, ordered(a, b), ordered(b, a));
        replace(set, ordered(b, d), ordered(d, b));
        replace(set, ordered(d, a), ordered(a, d));
    }
    post[first] = d;
    pre[second] = d;
    post[second] = b;
    pre[third] = b;
    post[third] = a;
    return 1;
}

/* Try `tries` switches among connections first … last - 1 and return how many were made.

   kind 0: any switch that leaves a simple graph; 1: one-way connections, without making a mutual pair;
   2: mutual pairs, each an entry. Of 1 and 2 the set holds pairs of neurons, of 0 connections. */
int64_t switch_connections(int64_t first, int64_t last, int32_t *pre, int32_t *post, int64_t capacity,
                           uint64_t *slot, int64_t tries, int32_t kind, uint64_t *state)
{
    Set set = {slot, (uint64_t)capacity - 1};
    uint64_t bound = (uint64_t)(last - first), chosen[AHEAD][2];
    int64_t made = 0;
    int kept = kind > 0;
    if (last - first < 2) return 0;
    for (int64_t t = 0; t < tries; t += AHEAD) {
        int64_t now = tries - t < AHEAD ? tries - t : AHEAD;
        for (int64_t i = 0; i < now; i++)
            for (int side = 0; side < 2; side++) {
                chosen[i][side] = (uint64_t)first + below(state, bound);
                __builtin_prefetch(pre + chosen[i][side]);
                __builtin_prefetch(post + chosen[i][side]);
            }
        for (int64_t i = 0; i < now; i++) {
            int32_t a = pre[chosen[i][0]], b = post[chosen[i][0]], c = pre[chosen[i][1]], d = post[chosen[i][1]];
            __builtin_prefetch(slot + home(set, key(kept, a, d)));
            __builtin_prefetch(slot + home(set, key(kept, c, b)));
            __builtin_prefetch(slot + home(set, key(kept, a, b)));
            __builtin_prefetch(slot + home(set, key(kept, c, d)));
        }
        for (int64_t i = 0; i < now; i++) {
            int32_t *one = post + chosen[i][0], *other = post + chosen[i][1];
            int32_t a = pre[chosen[i][0]], b = *one, c = pre[chosen[i][1]], d = *other;
            if (kind == 2 && drawn(state) & 1) {
                /* A pair has no direction: turn the second one round half of the time. */
                pre[chosen[i][1]] = d;
                *other = c;
                d = c;
                c = pre[chosen[i][1]];
            }
            if (c == b && a != d && kind != 2) {
                uint64_t third = (uint64_t)first + below(state, bound);
                made += turn_ring(set, kept, pre, post, chosen[i][0], chosen[i][1], third);
            }
            if (a == c || b == d || a == d || c == b) continue;
            if (holds(set, key(kept, a, d)) || holds(set, key(kept, c, b))) continue;
            replace(set, key(kept, a, b), key(kept, a, d));
            replace(set, key(kept, c, d), key(kept, c, b));
            *one = d;
            *other = b;
            made++;
        }
    }
    return made;
}
