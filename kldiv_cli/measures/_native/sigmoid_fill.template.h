/* Template, compiled once per instruction set (see kernels.template.h).
 *
 * The cells of a tile, by the form that their row takes.
 */

/* How much is computed of each cell: nothing, J and abs(p - q), with both KL, or with its outcomes, or
 * all. */
typedef enum { NOTHING, ALONE, WITH_KL, WITH_OUTCOMES, ALL_OF_IT } extent_t;

static int has_kl(extent_t extent)
{
    return extent == WITH_KL || extent == ALL_OF_IT;
}

/* What is found of the cells; p, q and e of the likely outcome stand before those of the other. */
typedef struct {
    ALIGNED double jeffreys[TILE], kl[TILE], reverse_kl[TILE], tv[TILE];
    ALIGNED double p[2][TILE], q[2][TILE], e[2][TILE];
} found_t;

TEMPLATE void store_cell(cell_t cell, ptrdiff_t i, const extent_t extent, found_t *to)
{
    to->jeffreys[i] = cell.jeffreys;
    to->tv[i] = cell.tv;
    if (extent == WITH_KL || extent == ALL_OF_IT) {
        to->kl[i] = cell.kl;
        to->reverse_kl[i] = cell.reverse_kl;
    }
    if (extent == ALONE || extent == WITH_KL)
        return;
    to->p[0][i] = cell.p_likely;
    to->p[1][i] = cell.p_other;
    to->q[0][i] = cell.q_likely;
    to->q[1][i] = cell.q_other;
    to->e[0][i] = cell.e_likely;
    to->e[1][i] = cell.e_other;
}

/* A stretch of the cells of a tile. */
typedef struct {
    const double *s, *t;
    ptrdiff_t start, end;
    temperature_t temperature;
} stretch_t;

TEMPLATE void fill_form(const stretch_t *of, const tier_t tier, const int careful,
                        const extent_t extent, found_t *to)
{
    const double *s = of->s, *t = of->t;
    const temperature_t temperature = of->temperature;
    const int close = tier == CLOSE_STEPS;
#pragma omp simd
    for (ptrdiff_t i = of->start; i < of->end; i++) {
        cell_t cell;
        if (tier == ANY_STEPS && extent == ALONE)
            cell = cell_far_alone(s[i], t[i], temperature, careful);
        else if (tier == ANY_STEPS)
            cell = cell_far(s[i], t[i], temperature, careful);
        else if (extent == ALONE)
            cell = cell_near_alone(s[i], t[i], temperature, close, careful);
        else
            cell = cell_near(s[i], t[i], temperature, close, careful);
        store_cell(cell, i, extent, to);
    }
}

TEMPLATE void fill_extent(const stretch_t *of, form_t form, const extent_t extent, found_t *to)
{
    if (form.tier == CLOSE_STEPS && !form.careful)
        fill_form(of, CLOSE_STEPS, 0, extent, to);
    else if (form.tier == CLOSE_STEPS)
        fill_form(of, CLOSE_STEPS, 1, extent, to);
    else if (form.tier == SMALL_STEPS && !form.careful)
        fill_form(of, SMALL_STEPS, 0, extent, to);
    else if (form.tier == SMALL_STEPS)
        fill_form(of, SMALL_STEPS, 1, extent, to);
    else if (!form.careful)
        fill_form(of, ANY_STEPS, 0, extent, to);
    else
        fill_form(of, ANY_STEPS, 1, extent, to);
}

static void fill(const stretch_t *of, form_t form, extent_t extent, found_t *to)
{
    if (extent == ALONE)
        fill_extent(of, form, ALONE, to);
    else if (extent == WITH_KL)
        fill_extent(of, form, WITH_KL, to);
    else if (extent == WITH_OUTCOMES)
        fill_extent(of, form, WITH_OUTCOMES, to);
    else if (extent == ALL_OF_IT)
        fill_extent(of, form, ALL_OF_IT, to);
}
