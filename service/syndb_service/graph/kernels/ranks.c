/* Ranks: how central a neuron is, by its core and by its PageRank. */

#include "kernels.h"

/* Give each neuron the largest k for which it is in the k-core (Batagelj & Zaveršnik 2003, arXiv:cs/0310049).

   A partner stands in a row as often as there are connections to it, `most` in the longest row. degree, place,
   order: n entries; bin: most + 1. */
void find_cores(int64_t n, int64_t most, const int64_t *start, const int32_t *partner, int32_t *degree,
                int32_t *place, int32_t *order, int64_t *bin, int32_t *core)
{
    for (int64_t k = 0; k <= most; k++) bin[k] = 0;
    for (int64_t u = 0; u < n; u++) {
        degree[u] = (int32_t)(start[u + 1] - start[u]);
        bin[degree[u]]++;
    }
    for (int64_t k = 0, before = 0; k <= most; k++) {
        int64_t here = bin[k];
        bin[k] = before;
        before += here;
    }
    for (int32_t u = 0; u < n; u++) {
        place[u] = (int32_t)bin[degree[u]]++;
        order[place[u]] = u;
    }
    for (int64_t k = most; k > 0; k--) bin[k] = bin[k - 1];
    bin[0] = 0;
    for (int64_t i = 0; i < n; i++) {
        int32_t u = order[i];
        core[u] = degree[u];
        for (int64_t e = start[u]; e < start[u + 1]; e++) {
            int32_t v = partner[e];
            if (degree[v] <= degree[u]) continue;
            int32_t first = (int32_t)bin[degree[v]], other = order[first];
            if (v != other) {
                place[other] = place[v];
                order[place[v]] = other;
                place[v] = first;
                order[first] = v;
            }
            bin[degree[v]]++;
            degree[v]--;
        }
    }
}

/* Hand each neuron's rank on to its partners, in proportion to synapses. */
void pass_rank(int64_t n, const int64_t *in_start, const int32_t *pre, const int32_t *connection,
               const int64_t *synapses, const double *share, double base, double damping, double *rank)
{
    for (int64_t v = 0; v < n; v++) {
        double sum = 0;
        for (int64_t e = in_start[v]; e < in_start[v + 1]; e++)
            sum += share[pre[e]] * (double)synapses[connection[e]];
        rank[v] = base + damping * sum;
    }
}
