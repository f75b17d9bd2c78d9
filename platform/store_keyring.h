/*
 * Whether this system has a keyring at all. Asked by the default store before it takes a file
 * instead. One file platform/store_<keyring>*.c, or store_none.c, answers.
 */
#ifndef TI_STORE_KEYRING_H
#define TI_STORE_KEYRING_H

typedef enum ti_keyring_presence {
    TI_KEYRING_PRESENT,      /* there is one, whether or not it can be used now */
    TI_KEYRING_UNSUPPORTED,  /* this build knows none */
    TI_KEYRING_NO_LIBRARY,   /* libsecret is not installed */
    TI_KEYRING_NO_BUS,       /* nothing says that there is a session bus */
    TI_KEYRING_NO_SERVICE,   /* nobody on the bus is a Secret Service, or could be started as one */
    TI_KEYRING_NO_COLLECTION /* there is a service, nothing was ever stored in it, and no display on
                                which it could ask for the first password */
} ti_keyring_presence;

/* May block, as a store's functions do. Whatever goes wrong otherwise is PRESENT: a keyring that
 * fails, is locked or out of reach is one. */
ti_keyring_presence ti_keyring_look(void);

#endif
