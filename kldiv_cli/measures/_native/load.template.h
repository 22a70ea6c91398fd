/* Template, compiled once per instruction set (see kernels.template.h).
 *
 * The values of a file's type as float64, exactly, and their range.
 */

static inline float float_of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The exponent of a float16 is rebased by a multiplication, which is exact for subnormals too. */
static inline float of_float16(uint16_t bits)
{
    uint32_t sign = (uint32_t)(bits & 0x8000) << 16, rest = bits & 0x7fff;
    float x = float_of_bits(rest << 13) * 0x1p112f;
    uint32_t whole;
    memcpy(&whole, &x, sizeof whole);
    whole |= rest >= 0x7c00 ? 0x7f800000 : 0;
    return float_of_bits(whole | sign);
}

/* A bfloat16 is the upper half of a float32. */
static inline float of_bfloat16(uint16_t bits)
{
    return float_of_bits((uint32_t)bits << 16);
}

static inline float of_float(float x)
{
    return x;
}

static inline double of_double(double x)
{
    return x;
}

#define SIMD_RANGE_16 _Pragma("omp simd reduction(max : high) reduction(min : least)")
#if OMP_KEEPS_INFINITIES
#define SIMD_RANGE SIMD_RANGE_16
#else
#define SIMD_RANGE
#endif

/* NaN compares false and is passed over. */
#define RANGE(name, type, wide, widen) \
    static void name(const char *from, ptrdiff_t stride, ptrdiff_t count, double *max, \
                     double *min) \
    { \
        const type *x = (const type *)from; \
        wide high = -INFINITY, least = INFINITY; \
        if (stride == (ptrdiff_t)sizeof(type)) { \
            SIMD_RANGE \
            for (ptrdiff_t i = 0; i < count; i++) { \
                wide value = widen(x[i]); \
                high = value > high ? value : high; \
                least = value < least ? value : least; \
            } \
        } else { \
            for (ptrdiff_t i = 0; i < count; i++) { \
                wide value = widen(*(const type *)(from + i * stride)); \
                high = value > high ? value : high; \
                least = value < least ? value : least; \
            } \
        } \
        *max = high; \
        *min = least; \
    }

/* A number that has the order of the 16-bit float with these bits, NaN aside. The function is
 * its own inverse. */
static inline int16_t ranked(uint16_t bits)
{
    return (int16_t)(bits ^ (bits & 0x8000 ? 0x7fff : 0));
}

/* The range of 16-bit floats, found without widening them. Bits beyond those of infinity are
 * NaN. */
#define RANGE_16(name, infinity, widen) \
    static void name(const char *from, ptrdiff_t stride, ptrdiff_t count, double *max, \
                     double *min) \
    { \
        const uint16_t *x = (const uint16_t *)from; \
        int16_t high = INT16_MIN, least = INT16_MAX; \
        if (stride == (ptrdiff_t)sizeof(uint16_t)) { \
            SIMD_RANGE_16 \
            for (ptrdiff_t i = 0; i < count; i++) { \
                int16_t rank = ranked(x[i]); \
                int16_t up = (x[i] & 0x7fff) > infinity ? INT16_MIN : rank; \
                int16_t down = (x[i] & 0x7fff) > infinity ? INT16_MAX : rank; \
                high = up > high ? up : high; \
                least = down < least ? down : least; \
            } \
        } else { \
            for (ptrdiff_t i = 0; i < count; i++) { \
                uint16_t bits = *(const uint16_t *)(from + i * stride); \
                int16_t rank = ranked(bits); \
                if ((bits & 0x7fff) > infinity) \
                    continue; \
                high = rank > high ? rank : high; \
                least = rank < least ? rank : least; \
            } \
        } \
        *max = high == INT16_MIN ? -INFINITY : widen((uint16_t)ranked((uint16_t)high)); \
        *min = least == INT16_MAX ? INFINITY : widen((uint16_t)ranked((uint16_t)least)); \
    }

#define LOAD(name, type, widen) \
    static void name(const char *from, ptrdiff_t stride, ptrdiff_t count, double *to) \
    { \
        const type *x = (const type *)from; \
        if (stride == (ptrdiff_t)sizeof(type)) \
            for (ptrdiff_t i = 0; i < count; i++) \
                to[i] = widen(x[i]); \
        else \
            for (ptrdiff_t i = 0; i < count; i++) \
                to[i] = widen(*(const type *)(from + i * stride)); \
    }

LOAD(load_float16, uint16_t, of_float16)
LOAD(load_bfloat16, uint16_t, of_bfloat16)
LOAD(load_float32, float, of_float)
LOAD(load_float64, double, of_double)

RANGE_16(range_float16, 0x7c00, of_float16)
RANGE_16(range_bfloat16, 0x7f80, of_bfloat16)
RANGE(range_float32, float, float, of_float)
RANGE(range_float64, double, double, of_double)
