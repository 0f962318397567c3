/* Trading: random graphs in which every neuron keeps its in- and its out-degree, for large graphs.

   All neurons are paired at random, and the two of a pair deal their postsynaptic partners out anew: those
   that both have stay, and so do the two themselves, so that there is no self-connection (Curveball: Strona et
   al. 2014, doi:10.1038/ncomms5114; in global trades: Carstens et al. 2018, doi:10.4230/LIPIcs.ESA.2018.11). It
   reads rows one after the other, where switching single connections jumps about in memory. */

#include "kernels.h"

static uint64_t drawn(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static int64_t from_here(int64_t first, int64_t last, uint64_t *state)
{
    return first + (int64_t)(((unsigned __int128)drawn(state) * (uint64_t)(last - first)) >> 64);
}

static void set_marks(const int64_t *start, const int32_t *partner, int64_t u, uint8_t *mark, uint8_t bits)
{
    if (!start) return;
    for (int64_t e = start[u]; e < start[u + 1]; e++) mark[partner[e]] = bits ? mark[partner[e]] | bits : 0;
}

/* Take out of a row what the other neuron may have as well, into the pool; return where the pool ends. */
static int64_t give(int32_t *to, int32_t *place, int64_t start, int64_t stop, int32_t other, const uint8_t *mark,
                    uint8_t others, int64_t *stays, int64_t *pool, int64_t size)
{
    int64_t stay = start;
    for (int64_t e = start; e < stop; e++) {
        int32_t x = to[e], at = place ? place[e] : 0;
        if (mark[x] & others || x == other) {
            to[stay] = x;
            if (place) place[stay] = at;
            stay++;
        } else {
            pool[size++] = (int64_t)x << 32 | at;
        }
    }
    *stays = stay;
    return size;
}

/* Fill a row up from the pool, and tell the rows of the reversed graph whose partner that is now. */
static void receive(int32_t *to, int32_t *place, int64_t stay, int64_t stop, int32_t owner, const int64_t *pool,
                    int32_t *from)
{
    for (int64_t e = stay; e < stop; e++) {
        int64_t item = pool[e - stay];
        to[e] = (int32_t)(item >> 32);
        if (place) {
            place[e] = (int32_t)item;
            from[place[e]] = owner;
        }
    }
}

/* Make `rounds` global trades on the rows; return the number of partners that were dealt out.

   order: n entries; pool: as many as the two longest rows have; mark: n zeros. Where in_start is given, no
   mutual pair comes into being: in_start and from are the reversed rows, place[e] is where connection e is in
   them, and mutual_start and mutual are the mutual partners, which stay. */
int64_t trade_partners(int64_t n, const int64_t *start, int32_t *to, int64_t rounds, int32_t *order,
                       int64_t *pool, uint8_t *mark, uint64_t *state, int32_t *place, const int64_t *in_start,
                       int32_t *from, const int64_t *mutual_start, const int32_t *mutual)
{
    int64_t dealt = 0;
    for (int64_t u = 0; u < n; u++) order[u] = (int32_t)u;
    for (int64_t round = 0; round < rounds; round++) {
        for (int64_t i = 0; i < n; i++) {
            int64_t j = from_here(i, n, state);
            int32_t kept = order[i];
            order[i] = order[j];
            order[j] = kept;
        }
        for (int64_t i = 0; i + 1 < n; i += 2) {
            int32_t pair[2] = {order[i], order[i + 1]};
            int64_t stays[2], size = 0;
            for (int64_t ahead = i + 4; ahead < i + 6 && ahead < n; ahead++)
                __builtin_prefetch(to + start[order[ahead]]);
            for (int side = 0; side < 2; side++) {
                set_marks(start, to, pair[side], mark, (uint8_t)(side + 1));
                set_marks(in_start, from, pair[side], mark, (uint8_t)(side + 1));
                set_marks(mutual_start, mutual, pair[side], mark, (uint8_t)(side + 1));
            }
            int64_t ours = give(to, place, start[pair[0]], start[pair[0] + 1], pair[1], mark, 2, stays, pool, 0);
            size = give(to, place, start[pair[1]], start[pair[1] + 1], pair[0], mark, 1, stays + 1, pool, ours);
            for (int64_t j = 0; j < size; j++) mark[pool[j] >> 32] = 0;
            for (int64_t j = 0; j < ours; j++) {
                int64_t k = from_here(j, size, state), kept = pool[j];
                pool[j] = pool[k];
                pool[k] = kept;
            }
            for (int side = 0; side < 2; side++) {
                for (int64_t e = start[pair[side]]; e < stays[side]; e++) mark[to[e]] = 0;
                set_marks(in_start, from, pair[side], mark, 0);
                set_marks(mutual_start, mutual, pair[side], mark, 0);
            }
            receive(to, place, stays[0], start[pair[0] + 1], pair[0], pool, from);
            receive(to, place, stays[1], start[pair[1] + 1], pair[1], pool + ours, from);
            dealt += size;
        }
    }
    return dealt;
}
