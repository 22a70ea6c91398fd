/* Template: all kernels for one instruction set. The including file defines KERNELS, the name of
 * the table of kernels, VECTOR, how many float64 its vectors hold, and FUSED, which is 1 where it
 * has a fused multiply-add.
 */

/* MADD(a, b, c) is a * b + c, and PRODUCT_ERROR(a, b, product) is a * b - product. */
#if FUSED
#define MADD(a, b, c) __builtin_fma(a, b, c)
#define PRODUCT_ERROR(a, b, product) __builtin_fma(a, b, -(product))
#else
#define MADD(a, b, c) ((a) * (b) + (c))
#define PRODUCT_ERROR(a, b, product) product_error(a, b, product)

/* From halves of 26 bits (Dekker, Numerische Mathematik 18, 1971, section 5); 0 where they
 * overflow. */
TEMPLATE double product_error(double a, double b, double product)
{
    double a_scaled = a * 134217729.0, b_scaled = b * 134217729.0;
    double a_high = a_scaled - (a_scaled - a), b_high = b_scaled - (b_scaled - b);
    double a_low = a - a_high, b_low = b - b_high;
    double error =
        a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low);
    return fabs(error) < INFINITY ? error : 0.0;
}
#endif

/* Each uses those above it. */
#include "elementary.template.h"
#include "load.template.h"
#include "row.template.h"
#include "sigmoid_cells.template.h"
#include "sigmoid_near.template.h"
#include "sigmoid_far.template.h"
#include "sigmoid_fill.template.h"
#include "sigmoid_values.template.h"
#include "sigmoid_entropies.template.h"
#include "sigmoid.template.h"
#include "share.template.h"
#include "softmax_sums.template.h"
#include "softmax_general.template.h"
#include "softmax_lanes.template.h"
#include "vectors.template.h"
#include "close_sums.template.h"
#include "close_row.template.h"
#include "partitions.template.h"
#include "logarithm.template.h"
#include "far_terms.template.h"
#include "terms.template.h"
#include "values.template.h"
#include "softmax.template.h"
#include "shares.template.h"
#include "probabilities.template.h"
#include "smoothed.template.h"
#include "weighted.template.h"
#include "odds.template.h"

const kernels_t KERNELS = {
    .type = {{load_float16, range_float16},
             {load_bfloat16, range_bfloat16},
             {load_float32, range_float32},
             {load_float64, range_float64}},
    .kernel = {softmax, sigmoid, probabilities, smoothed, weighted, odds},
    .share = share,
};
