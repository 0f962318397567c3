/* Paths: the shortest one from a neuron to another (Dijkstra 1959, doi:10.1007/BF01386390). */

#include "kernels.h"

static int nearer(const double *far, int32_t a, int32_t b) { return far[a] < far[b] || (far[a] == far[b] && a < b); }

static void rise(int32_t *heap, int32_t *at, const double *far, int64_t i)
{
    int32_t u = heap[i];
    for (; i && nearer(far, u, heap[(i - 1) / 2]); i = (i - 1) / 2) {
        heap[i] = heap[(i - 1) / 2];
        at[heap[i]] = (int32_t)i;
    }
    heap[i] = u;
    at[u] = (int32_t)i;
}

static void sink(int32_t *heap, int32_t *at, const double *far, int64_t size)
{
    int32_t u = heap[0];
    int64_t i = 0;
    for (int64_t child; (child = 2 * i + 1) < size; i = child) {
        if (child + 1 < size && nearer(far, heap[child + 1], heap[child])) child++;
        if (!nearer(far, heap[child], u)) break;
        heap[i] = heap[child];
        at[heap[i]] = (int32_t)i;
    }
    heap[i] = u;
    at[u] = (int32_t)i;
}

/* Search from source until target; return 1 if there is a path, which `before` tells backwards.

   length[e]: of each connection, above 0. far: n entries, before: n, heap: n, at: n. */
int64_t find_path(int64_t n, const int64_t *start, const int32_t *to, const double *length, int64_t source,
                  int64_t target, double *far, int32_t *before, int32_t *heap, int32_t *at)
{
    for (int64_t u = 0; u < n; u++) at[u] = before[u] = -1;
    int64_t size = 1;
    heap[0] = (int32_t)source;
    at[source] = 0;
    far[source] = 0;
    while (size) {
        int32_t u = heap[0];
        if (u == target) return 1;
        at[u] = -2;
        heap[0] = heap[--size];
        if (size) sink(heap, at, far, size);
        for (int64_t e = start[u]; e < start[u + 1]; e++) {
            int32_t v = to[e];
            double through = far[u] + length[e];
            if (at[v] == -2 || (at[v] >= 0 && through >= far[v])) continue;
            if (at[v] == -1) {
                at[v] = (int32_t)size;
                heap[size++] = v;
            }
            far[v] = through;
            before[v] = u;
            rise(heap, at, far, at[v]);
        }
    }
    return 0;
}
