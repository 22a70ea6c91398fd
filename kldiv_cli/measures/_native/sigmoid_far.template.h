/* Template, compiled once per instruction set (see kernels.template.h).
 *
 * Bernoulli cells of any step; see sigmoid_near.template.h.
 */

/* The signs are such that the larger logit in size, hi, is >= 0; lo is the other one, a = hi - lo. With
 * c = exp(-lo), D = exp(-a), h = c D = exp(-hi) it is c, D, 1 - D, D - 1 + a, and (1 + c) (1 + h). */
typedef struct {
    double lo, a, c, decay, share, phi, h, divisor;
} far_t;

TEMPLATE far_t far_of(double s, double t, temperature_t temperature, const int careful)
{
    int first = fabs(s) >= fabs(t);
    double hi = first ? s : t, lo = first ? t : s, a = fabs(step_of(s, t, temperature, careful));
    far_t cell;
    lo = hi < 0.0 ? -lo : lo;
    cell.lo = careful ? lo * temperature.inverse : lo;
    cell.c = exp_between(-lo, 0.0, -700.0, 345.0, temperature, careful);
    cell.a = a;
    cell.decay = exp_less(a < 700.0 ? a : 700.0, &cell.share, &cell.phi);
    cell.h = cell.c * cell.decay;
    cell.divisor = (1.0 + cell.c) * (1.0 + cell.h);
    return cell;
}

TEMPLATE cell_t cell_far_alone(double s, double t, temperature_t temperature, const int careful)
{
    far_t x = far_of(s, t, temperature, careful);
    double difference = x.c * x.share / x.divisor;
    return (cell_t){.jeffreys = x.a * difference, .tv = difference};
}

/* The likely outcome's log-ratio is L = log((1 + c) / (1 + h)) from hi to lo, and the other one's is
 * L - a. KL of hi from lo is L - a h / (1 + h), and no larger than the other. From lo near 0 on,
 * L = log1p(y), y = c (1 - D) / (1 + h), and that KL is log1p(y) - y + c psi / (1 + h),
 * psi = 1 - D - a D; below, L = -lo + log1p((1 / c - h) / (1 + h)). */
TEMPLATE cell_t cell_far(double s, double t, temperature_t temperature, const int careful)
{
    far_t x = far_of(s, t, temperature, careful);
    int above = x.lo >= -0.4, first = fabs(s) >= fabs(t);
    double grown = x.c * x.share, both = x.c * x.h;
    double over_y = above ? grown : 1.0 - both;
    double under_y = above ? 2.0 + x.c + x.h : 1.0 + 2.0 * x.c + both;
    double ratio = 1.0 / (x.divisor * under_y), inverse = ratio * under_y;
    double r = over_y * (x.divisor * ratio), z = r * r, tail = z * atanh_tail(z);
    double likely_hi = (1.0 + x.c) * inverse, likely_lo = (1.0 + x.h) * inverse;
    double difference = grown * inverse, jeffreys = x.a * difference, y = grown * likely_hi;
    double psi = x.a > 1.0 ? x.share - x.a * x.decay : x.a * x.share - x.phi;
    double length = 2.0 * MADD(tail, r, r) - (above ? 0.0 : x.lo);
    double kl =
        above ? MADD(x.c * likely_hi, psi, r * (2.0 * tail - y)) : length - x.a * (x.h * likely_hi);
    double other_hi = x.h * likely_hi, other_lo = x.c * likely_lo, rest = x.a - length;
    return (cell_t){
        .jeffreys = jeffreys,
        .kl = first ? kl : jeffreys - kl,
        .reverse_kl = first ? jeffreys - kl : kl,
        .tv = difference,
        .p_likely = first ? likely_hi : likely_lo,
        .p_other = first ? other_hi : other_lo,
        .q_likely = first ? likely_lo : likely_hi,
        .q_other = first ? other_lo : other_hi,
        .e_likely = first ? -length : length,
        .e_other = first ? rest : -rest,
    };
}
