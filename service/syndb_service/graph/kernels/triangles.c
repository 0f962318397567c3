/* Triangles: every triple of neurons of which each two are connected, found once.

   Dyads point from the neuron of fewer partners to that of more, so no row is longer than sqrt(2 m)
   (Chiba & Nishizeki 1985, doi:10.1137/0214017; Ortmann & Brandes 2014, doi:10.1137/1.9781611973198.1). */

#include "kernels.h"

static const uint8_t REVERSED[4] = {0, BACKWARD, FORWARD, MUTUAL};
static const uint8_t MUTUALS[4] = {0, 0, 0, 1};

/* Rename neurons by rank and keep each dyad in the row of its lower end, as that end sees it. */
void order_by_degree(int64_t n, const int64_t *dyad_start, const int32_t *partner, const uint8_t *kind,
                     const int32_t *order, const int32_t *rank, int64_t *start, int32_t *to, uint8_t *above)
{
    start[0] = 0;
    for (int64_t r = 0; r < n; r++) {
        int32_t u = order[r];
        int64_t higher = 0;
        for (int64_t d = dyad_start[u]; d < dyad_start[u + 1]; d++) higher += rank[partner[d]] > r;
        start[r + 1] = start[r] + higher;
    }
    for (int64_t r = 0; r < n; r++) {
        int32_t u = order[r];
        for (int64_t d = dyad_start[u]; d < dyad_start[u + 1]; d++) {
            int32_t low = rank[partner[d]];
            if (low < r) {
                int64_t place = start[low]++;
                to[place] = (int32_t)r;
                above[place] = REVERSED[kind[d]];
            }
        }
    }
    for (int64_t r = n; r > 0; r--) start[r] = start[r - 1];
    start[0] = 0;
}

static inline void count(int64_t first, int64_t last, const int64_t *start, const int32_t *to,
                         const uint8_t *kind, uint8_t *mark, int64_t *kinds, int64_t *through, int each)
{
    for (int64_t u = first; u < last; u++) {
        if (start[u + 1] - start[u] < 2) continue;
        for (int64_t a = start[u]; a < start[u + 1]; a++) mark[to[a]] = kind[a];
        for (int64_t a = start[u]; a < start[u + 1]; a++) {
            int64_t v = to[a], undirected = 0, directed = 0, *seen = kinds + 16 * kind[a];
            for (int64_t b = start[v]; b < start[v + 1]; b++) {
                uint8_t third = mark[to[b]];
                if (!third) continue;
                seen[4 * third + kind[b]]++;
                if (each) {
                    int64_t weight = (int64_t)1 << (MUTUALS[kind[a]] + MUTUALS[third] + MUTUALS[kind[b]]);
                    through[2 * to[b]]++;
                    through[2 * to[b] + 1] += weight;
                    undirected++;
                    directed += weight;
                }
            }
            if (each) {
                through[2 * v] += undirected;
                through[2 * v + 1] += directed;
                through[2 * u] += undirected;
                through[2 * u + 1] += directed;
            }
        }
        for (int64_t a = start[u]; a < start[u + 1]; a++) mark[to[a]] = 0;
    }
}

/* Count the triangles whose lowest neuron is first … last - 1.

   kinds[16 u-v + 4 u-w + v-w] by the kinds of the three dyads; through[2 u] and through[2 u + 1], where
   `through` is given, the undirected and the directed triangles of each neuron. mark: n zeros. */
void count_triangles(int64_t first, int64_t last, const int64_t *start, const int32_t *to,
                     const uint8_t *kind, uint8_t *mark, int64_t *kinds, int64_t *through)
{
    if (through)
        count(first, last, start, to, kind, mark, kinds, through, 1);
    else
        count(first, last, start, to, kind, mark, kinds, through, 0);
}
