/* Mapped files that another process cuts short: the system answers the next look beyond their new
 * end with SIGBUS. The process then ends with a message that was made ready, and exit code 2.
 *
 * The handler may run in any thread, with or without the GIL, in the middle of anything. It calls
 * write, pause, sigaction, raise and _exit alone, and looks through a table that only grows and is reused.
 */
#define PY_SSIZE_T_CLEAN
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE
#include <Python.h>

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define FILES 1024
#define LONGEST 8192
#define TROUBLE 2

typedef struct {
    atomic_uintptr_t start; /* 0 where nothing is mapped */
    uintptr_t stop;
    size_t length;
    char message[LONGEST];
} Mapped;

static Mapped table[FILES];
static struct sigaction before;
static int installed = 0;
static atomic_flag ending = ATOMIC_FLAG_INIT;

static void tell(const char *message, size_t length)
{
    while (length > 0) {
        ssize_t written = write(STDERR_FILENO, message, length);
        if (written < 0 && errno != EINTR)
            return;
        if (written > 0) {
            message += written;
            length -= (size_t)written;
        }
    }
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (info->si_code > 0) { /* of the system, and not of kill() */
        uintptr_t place = (uintptr_t)info->si_addr;
        for (int i = 0; i < FILES; i++) {
            uintptr_t start = atomic_load(&table[i].start);
            if (start != 0 && place >= start && place < table[i].stop) {
                while (atomic_flag_test_and_set(&ending))
                    pause(); /* another thread tells, and ends this one too */
                tell(table[i].message, table[i].length);
                _exit(TROUBLE);
            }
        }
    }
    /* Not ours: what was there before takes it, where the same instruction runs again. */
    sigaction(number, &before, NULL);
    if (info->si_code <= 0)
        raise(number);
}

static int install(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    sigemptyset(&action.sa_mask);
    return sigaction(SIGBUS, &action, &before);
}

static void forget(PyObject *capsule)
{
    Mapped *slot = PyCapsule_GetPointer(capsule, "kldiv_cli.mapped");
    if (slot != NULL)
        atomic_store(&slot->start, 0);
}

/* guard(mapped, message): end the process with a message where a mapped file is cut short, as long
 * as what is returned lives; None where too many files are mapped. */
static PyObject *guard(PyObject *module, PyObject *args)
{
    (void)module;
    Py_buffer mapped;
    const char *message;
    Py_ssize_t length;
    if (!PyArg_ParseTuple(args, "y*y#", &mapped, &message, &length))
        return NULL;
    uintptr_t start = (uintptr_t)mapped.buf, size = (uintptr_t)mapped.len;
    PyBuffer_Release(&mapped);
    if (!installed) {
        if (install() != 0)
            return PyErr_SetFromErrno(PyExc_OSError);
        installed = 1;
    }
    for (int i = 0; i < FILES; i++) {
        Mapped *slot = &table[i];
        if (atomic_load(&slot->start) != 0)
            continue;
        uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
        slot->stop = start + (size + page - 1) / page * page;
        slot->length = length < LONGEST ? (size_t)length : LONGEST;
        memcpy(slot->message, message, slot->length);
        atomic_store(&slot->start, start);
        PyObject *capsule = PyCapsule_New(slot, "kldiv_cli.mapped", forget);
        if (capsule == NULL)
            atomic_store(&slot->start, 0);
        return capsule;
    }
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"guard", guard, METH_VARARGS, "End the process with a message where a file is cut short."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "kldiv_cli.sources.arrays._guard",
    .m_doc = "Mapped files that another process cuts short.",
    .m_size = -1,
    .m_methods = methods,
};

PyMODINIT_FUNC PyInit__guard(void)
{
    return PyModule_Create(&definition);
}
