/* Hops: breadth-first searches from up to 64 neurons at once, one bit of a word each.

   Then et al. 2014, doi:10.14778/2735496.2735507. Only rows of neurons that were reached in the level
   before are read, so a long thin graph costs no more than a search from each neuron alone. */

#include "kernels.h"

static int64_t add_bits(uint64_t bits, int64_t weight, int64_t *counts)
{
    int64_t pairs = 0;
    for (; bits; bits &= bits - 1) {
        counts[__builtin_ctzll(bits)] += weight;
        pairs += weight;
    }
    return pairs;
}

/* Search from `sources`; return the number of levels, the sources' own included.

   Every neuron counts `weight` times (1 where that is not given). pairs[k]: pairs of a source and a
   neuron k hops away; reached and lengths: for each source, its own neuron excepted. *complete becomes 0
   if neurons lie beyond `most` hops. seen, frontier, arriving: n zeros each; active, upcoming: n entries. */
int64_t search_together(int64_t n, const int64_t *start, const int32_t *to, const int64_t *weight,
                        int64_t count, const int32_t *sources, int64_t most, uint64_t *seen,
                        uint64_t *frontier, uint64_t *arriving, int32_t *active, int32_t *upcoming,
                        int64_t *pairs, int64_t *reached, int64_t *lengths, int32_t *complete)
{
    int64_t actives = count, level = 0;
    for (int64_t s = 0; s < count; s++) {
        frontier[sources[s]] = seen[sources[s]] = (uint64_t)1 << s;
        active[s] = sources[s];
        reached[s] = lengths[s] = 0;
    }
    pairs[0] = count;
    *complete = 1;
    while (actives && level < n) {
        int64_t upcomings = 0, news[64] = {0};
        for (int64_t a = 0; a < actives; a++) {
            int32_t u = active[a];
            uint64_t bits = frontier[u];
            frontier[u] = 0;
            for (int64_t e = start[u]; e < start[u + 1]; e++) {
                uint64_t fresh = bits & ~seen[to[e]];
                if (!fresh) continue;
                if (!arriving[to[e]]) upcoming[upcomings++] = to[e];
                arriving[to[e]] |= fresh;
            }
        }
        if (!upcomings) break;
        if (level == most) {
            *complete = 0;
            break;
        }
        level++;
        pairs[level] = 0;
        for (int64_t a = 0; a < upcomings; a++) {
            int32_t v = upcoming[a];
            seen[v] |= arriving[v];
            frontier[v] = arriving[v];
            arriving[v] = 0;
            pairs[level] += add_bits(frontier[v], weight ? weight[v] : 1, news);
        }
        for (int64_t s = 0; s < count; s++) {
            reached[s] += news[s];
            lengths[s] += level * news[s];
        }
        int32_t *swapped = active;
        active = upcoming;
        upcoming = swapped;
        actives = upcomings;
    }
    return level + 1;
}
