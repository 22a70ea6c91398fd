/* Template, compiled once per instruction set (see kernels.template.h).
 *
 * The kernel of softmax rows. Its notation is that of softmax_sums.template.h.
 */

static int needs_care(const pair_t *pair, const extremes_t of[2], const frame_t *f)
{
    return pair->wide || pair->temperature.divides || fabs(f->c) > 1.0 ||
           !(of[0].min >= of[0].max - 64.0) || of[1].min == -INFINITY;
}

/* Compute the one-pass form, and return 0 where its sums lost digits. The mean of d is then
 * added to c, for around it they lose the fewest. Set whether every d is 0. */
static int one_pass(const pair_t *pair, const extremes_t of[2], frame_t *frame, int *same,
                    row_t *found)
{
    sums_t sums;
    int close = 0, careful = needs_care(pair, of, frame);
    if (!careful) {
        sums = sums_of(pair, frame, 0);
        close = from_sums(sums, found);
        careful = close && shows(found->jeffreys, frame->c);
    }
    if (careful) {
        sums = sums_of(pair, frame, 1);
        close = from_sums(sums, found);
    }
    *same = sums.largest == 0.0;
    if (!close) {
        frame->c += sums.wd / sums.w * pair->temperature.value;
        frame->c_low = 0.0;
    }
    return close;
}

static void softmax_row(const pair_t *pair, const extremes_t of[2], const frame_t *frame,
                        row_t *found)
{
    frame_t near = *frame;
    int same, close = isfinite(of[0].max) && isfinite(of[1].max) &&
                      (one_pass(pair, of, &near, &same, found) ||
                       (fabs(near.c - frame->c) < 1.0 && one_pass(pair, of, &near, &same, found)));
    if (close)
        close_row(pair, of, &near, same, found);
    else
        exceptional(pair, of, found);
    note_constant(pair, of, found);
}

static frame_t frame_at(const pair_t *pair, const extremes_t *of_s)
{
    double s, t;
    for (int k = 0; k < 2; k++) {
        const side_t *side = &pair->side[k];
        side->type.load(side->from + of_s->at * side->stride, side->stride, 1, k == 0 ? &s : &t);
    }
    frame_t frame = {of_s->max, 0.0, 0.0};
    frame.c = two_diff(t, s, &frame.c_low);
    return frame;
}

/* Compute a row by one pass or two in vectors, or return 0. */
static int in_vectors(const pair_t *pair, row_t *found)
{
    seen_t row;
    row_t close = {.value = found->value};
    if (!sum_row(pair, &row))
        return 0;
    int told = tells(&row, &close);
    if ((!told || (pair->plan->wanted & OF_TWO_PASSES)) && !second_pass(&row, told, &close))
        return 0;
    describe_seen(&row, found);
    found->jeffreys = close.jeffreys;
    found->kl = close.kl;
    found->reverse_kl = close.reverse_kl;
    found->unsettled = close.unsettled;
    if (told && (pair->plan->wanted & PARTITIONS))
        note_partitions(&row, found);
    note_constant(pair, row.of, found);
    return 1;
}

static void softmax_wide(const pair_t *first, ptrdiff_t rows, const ptrdiff_t step[2], row_t *found)
{
    for (ptrdiff_t row = 0; row < rows; row++) {
        pair_t pair = next_pair(first, row, step);
        if (in_vectors(&pair, &found[row]))
            continue;
        extremes_t of[2] = {extremes_of(&pair.side[0]), extremes_of(&pair.side[1])};
        frame_t frame = frame_at(&pair, &of[0]);
        describe(&pair, of, &found[row]);
        softmax_row(&pair, of, &frame, &found[row]);
        leave_values(pair.plan, &found[row]);
    }
}

/* A short row's J and both KL are the same, whatever else is wanted of it. */
static void softmax(const pair_t *first, ptrdiff_t rows, const ptrdiff_t step[2], row_t *found)
{
    const int two_passes = (first->plan->wanted & OF_TWO_PASSES) != 0;
    if (first->side[0].size > NARROW) {
        softmax_wide(first, rows, step, found);
        return;
    }
    for (ptrdiff_t row = 0; row < rows; row += LANES) {
        pair_t pair = next_pair(first, row, step);
        ptrdiff_t count = rows - row < LANES ? rows - row : LANES;
        int64_t unsettled[LANES] = {0};
        if (two_passes)
            softmax_wide(&pair, count, step, found + row);
        for (ptrdiff_t i = 0; two_passes && i < count; i++)
            unsettled[i] = found[row + i].unsettled;
        softmax_lanes(&pair, count, step, found + row);
        for (ptrdiff_t i = 0; i < count; i++)
            found[row + i].unsettled = unsettled[i];
    }
}
