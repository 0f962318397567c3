/* Communities: the steps of the Leiden algorithm on an undirected, weighted graph, for modularity.

   Traag, Waltman & van Eck 2019, doi:10.1038/s41598-019-41695-z; as in the authors' own code, a neuron is
   refined into the best of the parts that it may join. Rows hold each edge at both ends and no self-loop;
   strength[u] holds those as well, and `total` is the sum of all strengths. */

#include "kernels.h"

static uint64_t drawn(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void shuffle(int64_t n, int32_t *order, uint64_t *state)
{
    for (int64_t i = 0; i < n; i++) order[i] = (int32_t)i;
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t j = (int64_t)(((unsigned __int128)drawn(state) * (uint64_t)(i + 1)) >> 64);
        int32_t kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}

/* Move nodes to the community that gains most, until none wants to; return how many moves that took.

   community: in and out; held[c] and size[c]: strength and number of its nodes, in and out. queue: n entries;
   queued: n bytes; links: n zeros; touched, empty: n entries. */
int64_t move_nodes(int64_t n, const int64_t *start, const int32_t *to, const int64_t *weight,
                   const int64_t *strength, int64_t total, double resolution, int32_t *community, int64_t *held,
                   int32_t *size, int32_t *queue, uint8_t *queued, int64_t *links, int32_t *touched,
                   int32_t *empty, uint64_t *state)
{
    int64_t waiting = n, head = 0, moves = 0, empties = 0;
    double share = resolution / (double)total;
    shuffle(n, queue, state);
    for (int64_t c = n - 1; c >= 0; c--)
        if (!size[c]) empty[empties++] = (int32_t)c;
    for (int64_t u = 0; u < n; u++) queued[u] = 1;
    while (waiting) {
        int32_t u = queue[head], from = community[u], best = from;
        head = head + 1 == n ? 0 : head + 1;
        waiting--;
        queued[u] = 0;
        int64_t seen = 0;
        for (int64_t e = start[u]; e < start[u + 1]; e++) {
            int32_t c = community[to[e]];
            if (!links[c]) touched[seen++] = c;
            links[c] += weight[e];
        }
        held[from] -= strength[u];
        double most = (double)links[from] - share * (double)strength[u] * (double)held[from];
        for (int64_t i = 0; i < seen; i++) {
            int32_t c = touched[i];
            double gain = (double)links[c] - share * (double)strength[u] * (double)held[c];
            if (gain > most) {
                most = gain;
                best = c;
            }
        }
        for (int64_t i = 0; i < seen; i++) links[touched[i]] = 0;
        if (most < 0 && size[from] > 1) best = empty[empties - 1];
        held[best] += strength[u];
        if (best == from) continue;
        if (!size[best]) empties--;
        size[best]++;
        if (!--size[from]) empty[empties++] = from;
        community[u] = best;
        moves++;
        for (int64_t e = start[u]; e < start[u + 1]; e++) {
            int32_t v = to[e];
            if (queued[v] || community[v] == best) continue;
            int64_t tail = head + waiting;
            queue[tail >= n ? tail - n : tail] = v;
            queued[v] = 1;
            waiting++;
        }
    }
    return moves;
}

/* Divide each community into parts that hang together; return nothing, `part` is numbered by its nodes.

   held[c]: strength of community c. part, part_held, cut, size: n entries each; order, touched: n entries;
   links: n zeros. */
void refine(int64_t n, const int64_t *start, const int32_t *to, const int64_t *weight, const int64_t *strength,
            int64_t total, double resolution, const int32_t *community, const int64_t *held, int32_t *part,
            int64_t *part_held, int64_t *cut, int32_t *size, int32_t *order, int64_t *links, int32_t *touched,
            uint64_t *state)
{
    double share = resolution / (double)total;
    for (int32_t u = 0; u < n; u++) {
        part[u] = u;
        part_held[u] = strength[u];
        size[u] = 1;
        cut[u] = 0;
        for (int64_t e = start[u]; e < start[u + 1]; e++)
            if (community[to[e]] == community[u]) cut[u] += weight[e];
    }
    shuffle(n, order, state);
    for (int64_t i = 0; i < n; i++) {
        int32_t u = order[i], own = part[u];
        double whole = (double)held[community[u]], mine = (double)strength[u];
        if (size[own] > 1 || (double)cut[own] < share * mine * (whole - mine)) continue;
        int64_t seen = 0;
        for (int64_t e = start[u]; e < start[u + 1]; e++) {
            if (community[to[e]] != community[u]) continue;
            int32_t p = part[to[e]];
            if (!links[p]) touched[seen++] = p;
            links[p] += weight[e];
        }
        int32_t best = own;
        double most = 0;
        for (int64_t t = 0; t < seen; t++) {
            int32_t p = touched[t];
            double theirs = (double)part_held[p];
            if ((double)cut[p] < share * theirs * (whole - theirs)) continue;
            double gain = (double)links[p] - share * mine * theirs;
            if (gain > most) {
                most = gain;
                best = p;
            }
        }
        if (best != own) {
            cut[best] += cut[own] - 2 * links[best];
            part_held[best] += part_held[own];
            size[best]++;
            size[own] = 0;
            part[u] = best;
        }
        for (int64_t t = 0; t < seen; t++) links[touched[t]] = 0;
    }
}

/* Make each part one node (parts are numbered 0 … count - 1) and return the number of entries.

   new_*: count + 1, and as many entries as before; by_part, touched: n entries; links: n zeros. */
int64_t merge_parts(int64_t n, const int64_t *start, const int32_t *to, const int64_t *weight, const int32_t *part,
                    int64_t count, const int32_t *by_part, const int64_t *part_start, int64_t *new_start,
                    int32_t *new_to, int64_t *new_weight, int64_t *links, int32_t *touched)
{
    (void)n;
    int64_t place = 0;
    for (int64_t p = 0; p < count; p++) {
        int64_t seen = 0;
        new_start[p] = place;
        for (int64_t i = part_start[p]; i < part_start[p + 1]; i++) {
            int32_t u = by_part[i];
            for (int64_t e = start[u]; e < start[u + 1]; e++) {
                int32_t other = part[to[e]];
                if (other == p) continue;
                if (!links[other]) touched[seen++] = other;
                links[other] += weight[e];
            }
        }
        for (int64_t t = 0; t < seen; t++) {
            new_to[place] = touched[t];
            new_weight[place++] = links[touched[t]];
            links[touched[t]] = 0;
        }
    }
    new_start[count] = place;
    return place;
}
