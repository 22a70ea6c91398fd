/* The kernels for whatever processor the package is built for. */

#include "rows.h"

#if defined(__aarch64__)
#include <arm_neon.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

#define KERNELS kernels_baseline
#define VECTOR 2
#ifdef __FMA__
#define FUSED 1
#elif defined(__aarch64__)
#define FUSED 1
#else
#define FUSED 0
#endif

#include "kernels.template.h"
