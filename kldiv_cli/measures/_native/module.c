/* The module of the kernels. It needs no NumPy: blocks come as buffers.
 *
 * `instruction_sets` names what the processor can run, the fastest last; `counts` names the integers
 * that are found of each row, in their order; `forms` names for each mode the forms of a value that
 * its kernel has; and `Plan` is the type of plan.h.
 */

#include "plan.h"

#include "pauses.h"

set_t sets[MOST_SETS] = {{"baseline", &kernels_baseline}};
int sets_found = 1;

static void find_sets(void)
{
    sets_found = 1;
#if HAVE_X86_SETS
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        sets[sets_found++] = (set_t){"AVX2", &kernels_avx2};
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        sets[sets_found++] = (set_t){"AVX-512", &kernels_avx512};
#endif
}

static PyMethodDef methods[] = {
    {"ask", ask_in_pauses, METH_O,
     "Have a function called in this thread with the address and the bytes of what was read of a "
     "long row; None for none. What it raises ends the call."},
    {"shares", shares, METH_VARARGS,
     "Find what part of each row's probability some classes have: shares(instruction_set, values, "
     "some, temperature, found)."},
    {NULL, NULL, 0, NULL},
};

static PyObject *tuple_of(const char *const *words, int count)
{
    PyObject *tuple = PyTuple_New(count);
    for (int i = 0; tuple != NULL && i < count; i++) {
        PyObject *word = PyUnicode_FromString(words[i]);
        if (word == NULL)
            Py_CLEAR(tuple);
        else
            PyTuple_SET_ITEM(tuple, i, word);
    }
    return tuple;
}

/* Add an object to the module, and let go of it. */
static int add(PyObject *module, const char *attribute, PyObject *object)
{
    int failed = object == NULL ? -1 : PyModule_AddObjectRef(module, attribute, object);
    Py_XDECREF(object);
    return failed;
}

static PyObject *forms_by_mode(void)
{
    PyObject *forms = PyDict_New();
    for (int mode = 0; forms != NULL && mode < MODES; mode++) {
        const char *names[FORMS];
        int count = 0;
        for (int form = 0; form < FORMS; form++)
            if (forms_of_modes[mode] >> form & 1)
                names[count++] = names_of_forms[form];
        PyObject *tuple = tuple_of(names, count);
        if (tuple == NULL || PyDict_SetItemString(forms, names_of_modes[mode], tuple) < 0)
            Py_CLEAR(forms);
        Py_XDECREF(tuple);
    }
    return forms;
}

static int fill(PyObject *module)
{
    const char *of_sets[MOST_SETS];
    find_sets();
    for (int set = 0; set < sets_found; set++)
        of_sets[set] = sets[set].name;
    if (add(module, "instruction_sets", tuple_of(of_sets, sets_found)) < 0 ||
        add(module, "counts", tuple_of(names_of_counts, COUNTS)) < 0 ||
        add(module, "forms", forms_by_mode()) < 0)
        return -1;
    return add(module, "Plan", PyType_FromSpec(&plan_type));
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, fill}, {0, NULL}};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "_kernels",
    .m_doc = "The measures' hot loops in C.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__kernels(void)
{
    return PyModuleDef_Init(&definition);
}
