/* Credential Manager as a shelf of small entries, and a turn at it. Only for store_wincred.c. */
#ifndef TI_STORE_WINCRED_VAULT_H
#define TI_STORE_WINCRED_VAULT_H

#include "platform/store_chunks.h"

/* Where Windows stops: CRED_MAX_CREDENTIAL_BLOB_SIZE, 5 * 512 since Windows 7. */
#define TI_VAULT_ENTRY_MAX 2560

typedef struct ti_vault {
    unsigned long
        error; /* of the last call that failed, as GetLastError(); 0: none, or no memory */
} ti_vault;

ti_shelf ti_vault_shelf(ti_vault *vault);

/*
 * One at a time of the user's processes, in all sessions of this machine, works with the credentials. It ends with its thread or process.
 * Windows does each call as a whole by itself, but not a save, which is several; and wine not even that.
 * TACIT_ERR_STORE_UNAVAILABLE: another has it and does not come to an end (ERROR_TIMEOUT), or it cannot be had.
 */
tacit_status ti_vault_begin_turn(ti_vault *vault, void **turn);
void ti_vault_end_turn(void *turn);

#endif
