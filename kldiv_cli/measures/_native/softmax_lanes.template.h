/* Template, compiled once per instruction set (see kernels.template.h).
 *
 * Softmax rows of few classes, LANES of them at a time. The notation is that of
 * softmax_sums.template.h.
 */

/* One value of LANES rows in each line. */
typedef struct {
    double values[2][NARROW][LANES];
    double max[2][LANES], low[2][LANES], at[2][LANES], t_at_s[LANES];
} lanes_t;

static void load_lanes(const pair_t *first, ptrdiff_t rows, const ptrdiff_t step[2], lanes_t *lanes)
{
    ptrdiff_t size = first->side[0].size;
    for (ptrdiff_t lane = 0; lane < LANES; lane++) {
        pair_t pair = next_pair(first, lane < rows ? lane : rows - 1, step);
        for (int k = 0; k < 2; k++) {
            double x[NARROW];
            const side_t *side = &pair.side[k];
            side->type.load(side->from, side->stride, size, x);
            for (ptrdiff_t i = 0; i < size; i++)
                lanes->values[k][i][lane] = x[i];
        }
    }
}

static void scan_lanes(lanes_t *lanes, ptrdiff_t size)
{
    for (int lane = 0; lane < LANES; lane++) {
        for (int k = 0; k < 2; k++) {
            lanes->max[k][lane] = -INFINITY;
            lanes->low[k][lane] = INFINITY;
            lanes->at[k][lane] = 0.0;
        }
        lanes->t_at_s[lane] = lanes->values[1][0][lane];
    }
    for (ptrdiff_t i = 0; i < size; i++) {
#pragma omp simd
        for (int lane = 0; lane < LANES; lane++) {
            double s = lanes->values[0][i][lane], t = lanes->values[1][i][lane];
            double finite_s = s == -INFINITY ? INFINITY : s,
                   finite_t = t == -INFINITY ? INFINITY : t;
            int s_larger = s > lanes->max[0][lane], t_larger = t > lanes->max[1][lane];
            lanes->max[0][lane] = s_larger ? s : lanes->max[0][lane];
            lanes->max[1][lane] = t_larger ? t : lanes->max[1][lane];
            lanes->at[0][lane] = s_larger ? (double)i : lanes->at[0][lane];
            lanes->at[1][lane] = t_larger ? (double)i : lanes->at[1][lane];
            lanes->t_at_s[lane] = s_larger ? t : lanes->t_at_s[lane];
            lanes->low[0][lane] = finite_s < lanes->low[0][lane] ? finite_s : lanes->low[0][lane];
            lanes->low[1][lane] = finite_t < lanes->low[1][lane] ? finite_t : lanes->low[1][lane];
        }
    }
}

/* The sums over some classes of each row. */
typedef struct {
    double w[LANES], wd[LANES], wphi[LANES], wgrown[LANES];
} part_t;

/* So few classes are added up one by one: over 64, KL(q||p) lacked 5e-14. */
#define CLASSES_AT_ONCE 16

TEMPLATE part_t sum_part(const lanes_t *lanes, ptrdiff_t start, ptrdiff_t end,
                         const frame_t frame[LANES], temperature_t temperature)
{
    part_t sum = {{0.0}, {0.0}, {0.0}, {0.0}};
    for (ptrdiff_t i = start; i < end; i++) {
#pragma omp simd
        for (int lane = 0; lane < LANES; lane++) {
            double w, wphi, wgrown;
            double d =
                terms_of(lanes->values[0][i][lane], lanes->values[1][i][lane], frame[lane].s_max,
                         frame[lane].c, frame[lane].c_low, temperature, 1, 0, &w, &wphi, &wgrown);
            sum.w[lane] += w;
            sum.wd[lane] = MADD(w, d, sum.wd[lane]);
            sum.wphi[lane] += wphi;
            sum.wgrown[lane] += wgrown;
        }
    }
    return sum;
}

static void sum_lanes(const lanes_t *lanes, ptrdiff_t size, const frame_t frame[LANES],
                      temperature_t temperature, sums_t sums[LANES])
{
    for (ptrdiff_t start = 0; start < size; start += CLASSES_AT_ONCE) {
        ptrdiff_t end = size - start < CLASSES_AT_ONCE ? size : start + CLASSES_AT_ONCE;
        part_t part = sum_part(lanes, start, end, frame, temperature);
        for (int lane = 0; lane < LANES; lane++) {
            sums[lane].w += part.w[lane];
            sums[lane].wd += part.wd[lane];
            sums[lane].wphi += part.wphi[lane];
            sums[lane].wgrown += part.wgrown[lane];
        }
    }
}

/* Whether every d of a row is 0. */
static int lane_is_same(const lanes_t *lanes, ptrdiff_t size, int lane, const frame_t *frame)
{
    for (ptrdiff_t i = 0; i < size; i++) {
        double s = lanes->values[0][i][lane], t = lanes->values[1][i][lane], low;
        double step = two_diff(t, s, &low);
        if (!(step == frame->c && low == frame->c_low) && !(s == t && s == -INFINITY))
            return 0;
    }
    return 1;
}

static void softmax_lanes(const pair_t *first, ptrdiff_t rows, const ptrdiff_t step[2],
                          row_t *found)
{
    lanes_t lanes;
    frame_t frame[LANES];
    sums_t sums[LANES] = {{0.0, 0.0, 0.0, 0.0, 0.0}};
    ptrdiff_t size = first->side[0].size;
    load_lanes(first, rows, step, &lanes);
    scan_lanes(&lanes, size);
    for (int lane = 0; lane < LANES; lane++) {
        frame[lane].s_max = lanes.max[0][lane];
        frame[lane].c = two_diff(lanes.t_at_s[lane], lanes.max[0][lane], &frame[lane].c_low);
    }
    sum_lanes(&lanes, size, frame, first->temperature, sums);
    for (ptrdiff_t row = 0; row < rows; row++) {
        pair_t pair = next_pair(first, row, step);
        extremes_t of[2];
        for (int k = 0; k < 2; k++)
            of[k] = (extremes_t){lanes.max[k][row], 0.0, lanes.low[k][row],
                                 (ptrdiff_t)lanes.at[k][row]};
        describe(&pair, of, &found[row]);
        if (isfinite(of[0].max) && isfinite(of[1].max) && from_sums(sums[row], &found[row]))
            close_row(&pair, of, &frame[row],
                      is_tiny(&found[row]) && lane_is_same(&lanes, size, (int)row, &frame[row]),
                      &found[row]);
        else
            exceptional(&pair, of, &found[row]);
        note_constant(&pair, of, &found[row]);
    }
}
