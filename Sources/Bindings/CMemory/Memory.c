#define _GNU_SOURCE
#include "CMemory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LARGE ((size_t)2 << 20)

static size_t whole_pages(size_t size) { return (size + LARGE - 1) & ~(LARGE - 1); }

static void *mapped(size_t size) {
    void *memory = mmap(NULL, whole_pages(size), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return NULL;
    // A wish: where it is not heard, pages are small.
    madvise(memory, whole_pages(size), MADV_HUGEPAGE);
    return memory;
}

void *sluice_memory_resize(void *old, size_t old_size, size_t size) {
    if (old_size < LARGE && size < LARGE) return realloc(old, size);
    if (old_size >= LARGE && size >= LARGE) {
        if (whole_pages(old_size) == whole_pages(size)) return old;
        void *memory = mremap(old, whole_pages(old_size), whole_pages(size), MREMAP_MAYMOVE);
        return memory == MAP_FAILED ? NULL : memory;
    }
    void *memory = size >= LARGE ? mapped(size) : malloc(size);
    if (!memory) return NULL;
    if (old) memcpy(memory, old, old_size < size ? old_size : size);
    sluice_memory_free(old, old_size);
    return memory;
}

void *sluice_memory_zeroed(size_t size) { return size < LARGE ? calloc(size, 1) : mapped(size); }

void sluice_memory_free(void *memory, size_t size) {
    if (size < LARGE)
        free(memory);
    else
        munmap(memory, whole_pages(size));
}
