/* What the kernels share: the kinds of dyad. */

#ifndef KERNELS_H
#define KERNELS_H

#include <stdint.h>

enum { FORWARD = 1, BACKWARD = 2, MUTUAL = 3 };

#endif
