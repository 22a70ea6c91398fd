#include "plan.h"

#include <string.h>

const char *const names_of_modes[MODES] = {"softmax",  "sigmoid",  "probabilities",
                                           "smoothed", "weighted", "odds"};
const char *const names_of_forms[FORMS] = {
    "jeffreys",
    "kl",
    "reverse_kl",
    "tv",
    "hellinger",
    "mixture",
    "renyi",
    "largest_ratio",
    "cross_entropy",
    "entropy",
    "entropy_candidate",
    "reference_partition",
    "candidate_partition",
    "step",
    "shift",
    "weight",
    "variance",
    "log_rest",
    "centre",
    "centre_low",
    "growth",
    "growth_low",
    "doubt",
};

#define OF_WEIGHTED (1u << WEIGHT | 1u << VARIANCE)
#define OF_ODDS \
    (1u << LOG_REST | 1u << CENTRE | 1u << CENTRE_LOW | 1u << GROWTH | 1u << GROWTH_LOW | \
     1u << DOUBT_OF_GROWTH)

#if HAVE_VECTORS
#define OF_SOFTMAX (MEASURES & ~(1u << LARGEST_RATIO))
#else
#define OF_SOFTMAX DIVERGENCES_ALONE
#endif

const unsigned forms_of_modes[MODES] = {OF_SOFTMAX | PARTITIONS, MEASURES,    DIVERGENCES_ALONE,
                                        DIVERGENCES_ALONE,       OF_WEIGHTED, OF_ODDS};

int place_of_name(const char *what, const char *name, const char *const *names, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    PyErr_Format(PyExc_ValueError, "no %s '%s'", what, name);
    return -1;
}

int set_of_name(const char *name)
{
    const char *names[MOST_SETS];
    for (int i = 0; i < sets_found; i++)
        names[i] = sets[i].name;
    return place_of_name("instruction set", name, names, sets_found);
}

int type_of_buffer(const Py_buffer *buffer)
{
    static const char formats[TYPES] = {'e', 'H', 'f', 'd'};
    const char *format = buffer->format;
    for (int type = 0; type < TYPES; type++)
        if (format != NULL && format[0] == formats[type] && format[1] == '\0')
            return type;
    PyErr_Format(PyExc_TypeError, "expected float16, uint16, float32 or float64, found '%s'",
                 format == NULL ? "B" : format);
    return -1;
}

int copy_numbers(PyObject *tuple, int most, double *to)
{
    Py_ssize_t count = PyTuple_Check(tuple) ? PyTuple_GET_SIZE(tuple) : -1;
    if (count < 0 || count > most) {
        PyErr_Format(PyExc_ValueError, "expected a tuple of at most %d numbers", most);
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++)
        to[i] = PyFloat_AsDouble(PyTuple_GET_ITEM(tuple, i));
    return PyErr_Occurred() ? -1 : (int)count;
}

temperature_t temperature_of(double t)
{
    temperature_t found = {t, 1.0 / t, 0.0, t != 1.0};
    /* 1 - t * inverse, exact: the remainder of a division fits a float64. */
    found.inverse_low = fma(-t, found.inverse, 1.0) / t;
    return found;
}
