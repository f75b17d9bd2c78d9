/* tacit: keeps a native app signed in without a word. This header includes the rest, in the order
 * of use. */
#ifndef TACIT_TACIT_H
#define TACIT_TACIT_H

#include <tacit/client.h>
#include <tacit/error.h>
#include <tacit/provider.h>
#include <tacit/request.h>
#include <tacit/session.h>
#include <tacit/sign_in.h>
#include <tacit/store.h>

#endif
