/* The kernels for x86 processors with AVX2 and FMA. */

#include "rows.h"

#if HAVE_X86_SETS
#include <immintrin.h>

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx2,fma")
#endif

#define KERNELS kernels_avx2
#define VECTOR 4
#define FUSED 1
#include "kernels.template.h"

#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
