#include "support/store_contract.h"

static tacit_store *make(void *data) {
    (void)data;
    return tacit_store_memory();
}

int main(void) {
    const store_contract contract = {.name = "memory", .make = make};

    return store_contract_run(&contract);
}
