/* The type of a plan: what is computed of every pair of rows, made once and called for any blocks. */

#ifndef KLDIV_PLAN_H
#define KLDIV_PLAN_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "rows.h"

/* What this processor can run, the fastest last. */
typedef struct {
    const char *name;
    const kernels_t *kernels;
} set_t;

#define MOST_SETS 3

extern set_t sets[MOST_SETS];
extern int sets_found;

/* How many counts there are of each row, and their names in order. */
#define COUNTS 8

extern const char *const names_of_counts[COUNTS];
extern const char *const names_of_modes[MODES];
extern const char *const names_of_forms[FORMS];

/* The forms that the kernel of each mode has on this processor, a bit each. */
extern const unsigned forms_of_modes[MODES];

extern PyType_Spec plan_type;

/* In lookups.c: the place of a name, an instruction set, or the type of a buffer; or raise an exception
 * and return -1. */
int place_of_name(const char *what, const char *name, const char *const *names, int count);
int set_of_name(const char *name);
int type_of_buffer(const Py_buffer *buffer);

/* Copy a tuple of numbers and return how many they are, or raise an exception and return -1. */
int copy_numbers(PyObject *tuple, int most, double *to);

temperature_t temperature_of(double t);

/* In shares.c: a method of the module. */
PyObject *shares(PyObject *module, PyObject *args);

#endif
