/* Every kernel, as compiled for one instruction set. A file that includes this defines KERNELS, the
 * name of its table, and FUSED, whether the set has a fused multiply-add. */

#if FUSED
#define MADD(a, b, c) __builtin_fma(a, b, c)
#define PRODUCT_ERROR(a, b, product) __builtin_fma(a, b, -(product))
#else
#define MADD(a, b, c) ((a) * (b) + (c))
#define PRODUCT_ERROR(a, b, product) product_error(a, b, product)

/* a * b - product, from halves of 26 bits (Dekker, Numerische Mathematik 18, 1971, section 5); 0 where
 * these overflow. */
static inline double product_error(double a, double b, double product)
{
    double a_scaled = a * 134217729.0, b_scaled = b * 134217729.0;
    double a_high = a_scaled - (a_scaled - a), b_high = b_scaled - (b_scaled - b);
    double a_low = a - a_high, b_low = b - b_high;
    double error = a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low);
    return fabs(error) < INFINITY ? error : 0.0;
}
#endif

#include "elementary.h"
#include "load.h"
#include "row.h"
#include "sigmoid.h"
#include "softmax.h"

const kernels_t KERNELS = {
    .type = {{load_float16, range_float16},
             {load_bfloat16, range_bfloat16},
             {load_float32, range_float32},
             {load_float64, range_float64}},
    .kernel = {softmax, sigmoid_jeffreys, sigmoid},
};
