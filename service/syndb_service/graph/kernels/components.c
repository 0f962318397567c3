/* Components: neurons joined by paths that ignore direction, or that heed it both ways. */

#include "kernels.h"

static int32_t root(int32_t *parent, int32_t u)
{
    while (parent[u] != u) u = parent[u] = parent[parent[u]];
    return u;
}

/* Number the weak components in the order of their smallest neuron; return how many there are. */
int64_t find_weak(int64_t n, const int64_t *start, const int32_t *to, int32_t *parent, int32_t *label)
{
    for (int32_t u = 0; u < n; u++) parent[u] = u;
    for (int32_t u = 0; u < n; u++)
        for (int64_t e = start[u]; e < start[u + 1]; e++) {
            int32_t a = root(parent, u), b = root(parent, to[e]);
            if (a < b) parent[b] = a;
            else parent[a] = b;
        }
    int32_t found = 0;
    for (int32_t u = 0; u < n; u++) {
        int32_t a = root(parent, u);
        label[u] = a == u ? found++ : label[a];
    }
    return found;
}

/* Number the strong components so that connections between two go from the higher number to the lower
   (Tarjan 1972, doi:10.1137/0201010, without recursion); return how many there are.

   place, low, stack, path: n entries each; next: n entries of 64 bits. */
int64_t find_strong(int64_t n, const int64_t *start, const int32_t *to, int32_t *place, int32_t *low,
                    int32_t *stack, int32_t *path, int64_t *next, int32_t *label)
{
    int32_t visited = 0, found = 0;
    int64_t stacked = 0;
    for (int64_t u = 0; u < n; u++) place[u] = label[u] = -1;
    for (int32_t seed = 0; seed < n; seed++) {
        if (place[seed] >= 0) continue;
        int64_t depth = 0;
        path[depth++] = seed;
        place[seed] = low[seed] = visited++;
        next[seed] = start[seed];
        stack[stacked++] = seed;
        while (depth) {
            int32_t u = path[depth - 1];
            if (next[u] < start[u + 1]) {
                int32_t v = to[next[u]++];
                if (place[v] < 0) {
                    place[v] = low[v] = visited++;
                    next[v] = start[v];
                    stack[stacked++] = v;
                    path[depth++] = v;
                } else if (label[v] < 0 && place[v] < low[u]) {
                    low[u] = place[v];
                }
                continue;
            }
            depth--;
            if (depth && low[u] < low[path[depth - 1]]) low[path[depth - 1]] = low[u];
            if (low[u] == place[u]) {
                int32_t v;
                do {
                    v = stack[--stacked];
                    label[v] = found;
                } while (v != u);
                found++;
            }
        }
    }
    return found;
}
