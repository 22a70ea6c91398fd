/* Template, compiled once per instruction set (see kernels.template.h).
 *
 * The values of a row by the second pass, in the forms that the plan wants.
 */

/* Each value that is a sum over the outcomes, beside those of row_terms_t. */
#define IS_SHARED(form) ((form) == MIXTURE || (form) == HELLINGER || (form) == RENYI)
#define SHARED (1u << MIXTURE | 1u << HELLINGER | 1u << RENYI)
#define ENTROPIES (1u << ENTROPY | 1u << ENTROPY_CANDIDATE | 1u << CROSS_ENTROPY)

/* What the first pass does not tell. */
#define OF_TWO_PASSES (SHARED | ENTROPIES | 1u << TV)

/* The tile from a cell on, and how far its cells step. */
static view_t view_again(const seen_t *row, ptrdiff_t start, double *reach, space_t *space)
{
    ptrdiff_t tile = start / CLOSE_TILE;
    if (tile < TILES_KEPT) {
        *reach = row->steps[tile];
    } else {
        piece_t piece = piece_at(row, start, space);
        *reach = piece.present == 0 ? 0.0 : reach_of(&piece.scan, &row->origin);
    }
    pause_at(&row->pair->side[0], start);
    pause_at(&row->pair->side[1], start);
    if (!row->absent && lies_plainly(row->pair, row->layout, start))
        return lying(row->pair, row->layout, start);
    return without_holes(row->pair, start, &row->origin, space);
}

static void add_shared(const plan_t *plan, enum tier tier, ptrdiff_t n, shared_t *shared,
                       total_t *values)
{
    for (int i = 0; i < plan->values; i++) {
        const value_t *value = &plan->value[i];
        if (!IS_SHARED(value->form))
            continue;
        int further = tier != NEAR_TIER;
        add_to(&values[i],
               near_terms(value->near[further], value->terms[further], shared->v, shared->e, n));
        if (shared->far.n > 0)
            add_to(&values[i], far_terms(value, &shared->far));
    }
}

/* Add up a row; its values too, unless they are NULL. */
static row_terms_t sum_terms(const seen_t *row, const step_t *step, enum extent extent,
                             total_t *values)
{
    const plan_t *plan = row->pair->plan;
    const int shares = values != NULL && (plan->wanted & SHARED) != 0;
    total_t sums[4] = {{0.0, 0.0}};
    space_t space;
    shared_t shared;
    for (ptrdiff_t start = 0; start < row->pair->side[0].size; start += CLOSE_TILE) {
        double reach;
        view_t view = view_again(row, start, &reach, &space);
        enum tier tier = tier_of(reach + fabs(step->shift));
        shared.far.n = 0;
        row_terms_t terms =
            function_of_terms(view.narrow, tier)(&view, step, extent, shares, &shared);
        const double each[4] = {terms.kl, terms.reverse_kl, terms.distance, terms.excess};
        for (int i = 0; i < 4; i++)
            add_to(&sums[i], each[i]);
        if (shares)
            add_shared(plan, tier, view.n, &shared, values);
    }
    return (row_terms_t){value_of(sums[0]), value_of(sums[1]), value_of(sums[2]),
                         value_of(sums[3])};
}

/* What the shift lacks shows as an excess of sum q over sum p. A distance would show it, and is added
 * up again; all else has no first power of it, and is the same whether a distance is wanted or not. */
static row_terms_t find_terms(const seen_t *row, enum extent extent, total_t *values)
{
    step_t step = {row->origin, row->shift, 0.0};
    for (int i = 0; i < row->pair->plan->values; i++)
        values[i] = (total_t){0.0, 0.0};
    row_terms_t terms = sum_terms(row, &step, extent, values), again = terms;
    for (int attempt = 1; attempt < 3 && (row->pair->plan->wanted >> TV & 1) &&
                          fabs(again.excess) > 2e-15 * again.distance;
         attempt++) {
        step.shift_low += log1p(again.excess / row->sums.w);
        again = sum_terms(row, &step, DISTANCES, NULL);
    }
    terms.distance = again.distance;
    return terms;
}

/* The entropy of a side, whose terms are all >= 0: the largest class is left out of the partition. */
static double entropy_of(const seen_t *row, int k)
{
    const double max = row->of[k].max, inverse = row->origin.inverse;
    total_t rest = {0.0, 0.0}, wx = rest;
    ptrdiff_t largest = 0;
    space_t space;
    for (ptrdiff_t start = 0; start < row->pair->side[0].size; start += CLOSE_TILE) {
        double reach;
        view_t view = view_again(row, start, &reach, &space);
        doubles_t rest_sum = ALL(0.0), wx_sum = ALL(0.0);
        for (ptrdiff_t i = 0; i < view.n; i += VECTOR) {
            doubles_t a = view.narrow ? cell_at(&view, k, i, 1) : cell_at(&view, k, i, 0);
            doubles_t x = UPPER((a - max) * inverse, ALL(-DEEPEST)), w = weights(x);
            choice_t top = AT_MOST(ALL(0.0), x);
            largest += __builtin_popcount(BITS(top));
            w = CHOSEN(GREATER(x, ALL(-DEEPEST)), w, ALL(0.0));
            rest_sum += CHOSEN(top, ALL(0.0), w);
            wx_sum = FMADD(w, x, wx_sum);
        }
        add_to(&rest, total(rest_sum));
        add_to(&wx, total(wx_sum));
    }
    double others = value_of(rest) + (double)(largest - 1);
    return log1p(others) - value_of(wx) / (1.0 + others);
}

/* -log(1 + S) / parameter; NaN where S lacks the digits of that. */
static double of_excess(double excess, const value_t *value, double reach)
{
    const double *parameter = value->parameter;
    if (!(excess > -0.5 && excess < INFINITY && fabs(parameter[0]) * reach < 16.0))
        return NAN;
    return -log1p(excess) / parameter[1];
}

/* NaN where NumPy has to: a sum without polynomials is none. */
static double finished(const seen_t *row, const value_t *value, const row_terms_t *terms,
                       const double entropy[2], double kl, double sum)
{
    const double w = row->sums.w;
    if (IS_SHARED(value->form) && (value->terms[0] == 0 || value->terms[1] == 0))
        return NAN;
    switch (value->form) {
    case TV:
        return fmin(0.5 * terms->distance / w, 1.0);
    case ENTROPY:
        return entropy[0];
    case ENTROPY_CANDIDATE:
        return entropy[1];
    case CROSS_ENTROPY:
        return entropy[0] + kl;
    case MIXTURE:
        return fmin(sum / w, value->parameter[4]);
    case HELLINGER:
        return fmin(0.5 * sum / w, 1.0);
    case RENYI:
        return of_excess(sum / w, value, row->reach + fabs(row->shift));
    default:
        return 0.0;
    }
}

/* Whether the second pass keeps the digits of a row with such a J; see `tells`. */
static int can_tell(const seen_t *row, double jeffreys)
{
    const pair_t *pair = row->pair;
    const int careless = !pair->wide && row->origin.inverse == 1.0;
    return row->reach <= (careless ? LONGEST_STEP : 32.0) && keeps_digits(row, jeffreys);
}

/* Leave the values of a row to NumPy. */
static void leave_values(const plan_t *plan, row_t *found)
{
    for (int i = 0; i < plan->values; i++)
        found->value[i] = (total_t){NAN, 0.0};
    found->unsettled = (plan->wanted & OF_TWO_PASSES) != 0;
}

/* Set the values of a row, and J and both KL if the first pass did not tell them. Return 0 if this
 * cannot either; then, and where a value is NaN, the row is unsettled. */
static int second_pass(const seen_t *row, int told, row_t *found)
{
    const plan_t *plan = row->pair->plan;
    const unsigned wanted = plan->wanted;
    enum extent extent = !told ? ALL_SUMS : wanted >> TV & 1 ? DISTANCES : NO_SUMS;
    row_terms_t terms = {0.0, 0.0, 0.0, 0.0};
    leave_values(plan, found);
    if (told && !can_tell(row, found->jeffreys))
        return 1;
    if (!told || (wanted & (SHARED | 1u << TV)))
        terms = find_terms(row, extent, found->value);
    if (!told) {
        found->kl = terms.kl / row->sums.w;
        found->reverse_kl = terms.reverse_kl / row->sums.w;
        found->jeffreys = found->kl + found->reverse_kl;
        if (is_tiny(found) || !can_tell(row, found->jeffreys))
            return 0;
    }
    const double entropy[2] = {
        wanted & (1u << ENTROPY | 1u << CROSS_ENTROPY) ? entropy_of(row, 0) : 0.0,
        wanted >> ENTROPY_CANDIDATE & 1 ? entropy_of(row, 1) : 0.0,
    };
    found->unsettled = 0;
    for (int i = 0; i < plan->values; i++) {
        const value_t *value = &plan->value[i];
        double sum = IS_SHARED(value->form) ? value_of(found->value[i]) : 0.0;
        sum = finished(row, value, &terms, entropy, found->kl, sum);
        found->value[i] = (total_t){sum, 0.0};
        found->unsettled |= isnan(sum);
    }
    return 1;
}
