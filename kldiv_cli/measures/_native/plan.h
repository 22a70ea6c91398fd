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

/* The forms that the kernel of each mode has, a bit each. */
extern const unsigned forms_of_modes[MODES];

extern PyType_Spec plan_type;

#endif
