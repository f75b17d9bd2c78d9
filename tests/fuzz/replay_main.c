/*
 * Runs a fuzz target without libFuzzer: over the files and the directories of files that are named,
 * then over mutations of them. The same every time.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MUTATIONS 20000
#define SEEDS_MAX 256
#define INPUT_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct input {
    uint8_t bytes[INPUT_MAX];
    size_t size;
} input;

static input seeds[SEEDS_MAX];
static size_t seed_count;

/* A block of just this size, so that a sanitizer sees every byte read beyond it. */
static void run(const input *in) {
    uint8_t *data = malloc(in->size + (in->size == 0));
    if (!data) abort();
    memcpy(data, in->bytes, in->size);
    LLVMFuzzerTestOneInput(data, in->size);
    free(data);
}

static int read_seed(const char *path) {
    if (seed_count == SEEDS_MAX) {
        fprintf(stderr, "%s: more than %d seeds\n", path, SEEDS_MAX);
        return -1;
    }
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return -1;
    }
    input *seed = &seeds[seed_count++];
    seed->size = fread(seed->bytes, 1, sizeof seed->bytes, file);
    fclose(file);
    return 0;
}

static int is_no_dot(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

/* In the order of their names, since that is where the mutations begin. */
static int read_seeds(const char *path) {
    struct stat info;
    if (stat(path, &info) == 0 && !S_ISDIR(info.st_mode)) return read_seed(path);

    struct dirent **entries;
    int count = scandir(path, &entries, is_no_dot, alphasort), result = 0;
    if (count < 0) {
        perror(path);
        return -1;
    }
    for (int i = 0; i < count; i++) {
        char name[4096];
        snprintf(name, sizeof name, "%s/%s", path, entries[i]->d_name);
        if (result == 0) result = read_seed(name);
        free(entries[i]);
    }
    free(entries);
    return result;
}

/* xorshift64 */
static uint64_t draw(uint64_t below) {
    static uint64_t state = 0x9E3779B97F4A7C15;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

/* Cuts a piece out, copies one within, or changes a byte into one that grammars are made of. */
static void mutate(input *in) {
    static const char special[] = "\"\\{}[]:,=&%+.-_ \t\r\n<0eE/;\x7F\x80\xC3\xFF";
    if (in->size == 0) {
        in->bytes[in->size++] = (uint8_t)draw(256);
        return;
    }
    size_t at = draw(in->size), to = draw(in->size), length = 1 + draw(in->size - at);
    switch (draw(4)) {
    case 0:
        memmove(in->bytes + at, in->bytes + at + length, in->size - at - length);
        in->size -= length;
        break;
    case 1:
        if (length > sizeof in->bytes - in->size) break;
        memmove(in->bytes + to + length, in->bytes + to, in->size - to);
        memmove(in->bytes + to, in->bytes + (at < to ? at : at + length), length);
        in->size += length;
        break;
    case 2:
        in->bytes[at] = (uint8_t)special[draw(sizeof special)];
        break;
    default:
        in->bytes[at] = (uint8_t)draw(256);
        break;
    }
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (read_seeds(argv[i]) != 0) return 1;
    }
    for (size_t i = 0; i < seed_count; i++) run(&seeds[i]);

    static input mutant;
    for (int i = 0; i < MUTATIONS; i++) {
        if (i % 8 == 0) {
            mutant.size = 0;
            if (seed_count > 0) mutant = seeds[draw(seed_count)];
        }
        mutate(&mutant);
        run(&mutant);
    }
    printf("%zu seeds, %d mutations\n", seed_count, MUTATIONS);
    return 0;
}
