/* Adjacency: connections in order, and the same seen from the other side.

   Graphs are in compressed rows: the neighbours of neuron u are to[start[u]] … to[start[u + 1] - 1], ascending.
   No kernel allocates: every array, scratch included, is its caller's. */

#include "kernels.h"

/* Sort m connections by pre, then post (a counting sort each), into rows; `carried` holds m entries. */
void sort_connections(int64_t n, int64_t m, const int32_t *pre, const int32_t *post, const int64_t *synapses,
                      int64_t *start, int32_t *sorted_pre, int32_t *sorted_post, int64_t *sorted_synapses,
                      int64_t *carried)
{
    for (int64_t u = 0; u <= n; u++) start[u] = 0;
    for (int64_t e = 0; e < m; e++) start[post[e] + 1]++;
    for (int64_t u = 0; u < n; u++) start[u + 1] += start[u];
    for (int64_t e = 0; e < m; e++) carried[start[post[e]]++] = e;

    for (int64_t u = 0; u <= n; u++) start[u] = 0;
    for (int64_t e = 0; e < m; e++) start[pre[e] + 1]++;
    for (int64_t u = 0; u < n; u++) start[u + 1] += start[u];
    for (int64_t i = 0; i < m; i++) {
        int64_t e = carried[i], place = start[pre[e]]++;
        sorted_pre[place] = pre[e];
        sorted_post[place] = post[e];
        sorted_synapses[place] = synapses[e];
    }
    for (int64_t u = n; u > 0; u--) start[u] = start[u - 1];
    start[0] = 0;
}

/* Write the rows of the reversed graph, and for each of its entries the connection it stands for. */
void transpose(int64_t n, const int64_t *start, const int32_t *to, int64_t *in_start, int32_t *from,
               int32_t *connection)
{
    for (int64_t u = 0; u <= n; u++) in_start[u] = 0;
    for (int64_t e = 0; e < start[n]; e++) in_start[to[e] + 1]++;
    for (int64_t u = 0; u < n; u++) in_start[u + 1] += in_start[u];
    for (int64_t u = 0; u < n; u++)
        for (int64_t e = start[u]; e < start[u + 1]; e++) {
            int64_t place = in_start[to[e]]++;
            from[place] = (int32_t)u;
            connection[place] = (int32_t)e;
        }
    for (int64_t u = n; u > 0; u--) in_start[u] = in_start[u - 1];
    in_start[0] = 0;
}

/* Merge both directions: each neuron's partners with FORWARD, BACKWARD or MUTUAL as it sees them. */
void merge_dyads(int64_t n, const int64_t *start, const int32_t *to, const int64_t *in_start,
                 const int32_t *from, int64_t *dyad_start, int32_t *partner, uint8_t *kind)
{
    int64_t place = 0;
    for (int64_t u = 0; u < n; u++) {
        int64_t i = start[u], j = in_start[u];
        dyad_start[u] = place;
        while (i < start[u + 1] || j < in_start[u + 1]) {
            int32_t out = i < start[u + 1] ? to[i] : INT32_MAX;
            int32_t in = j < in_start[u + 1] ? from[j] : INT32_MAX;
            partner[place] = out < in ? out : in;
            kind[place++] = out < in ? FORWARD : in < out ? BACKWARD : MUTUAL;
            i += out <= in;
            j += in <= out;
        }
    }
    dyad_start[n] = place;
}
