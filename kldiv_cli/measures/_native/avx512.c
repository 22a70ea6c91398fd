/* The kernels for x86 processors with AVX-512 (F, DQ, BW and VL). */

#include "rows.h"

#if HAVE_X86_SETS
#include <immintrin.h>

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma"))), \
                             apply_to = function)
#else
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,fma,prefer-vector-width=512")
#endif

#define KERNELS kernels_avx512
#define VECTOR 8
#define FUSED 1
#include "kernels.template.h"

#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
