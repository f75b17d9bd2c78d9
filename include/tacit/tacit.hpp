/*
 * tacit for C++17 and later, header only: link with the C library, nothing else.
 *
 *   tacit::client_options options;
 *   options.application_id = "com.example.notes";
 *   tacit::client client = tacit::client::make(options).value();
 *
 * Handles are move-only, as large as a pointer, and give up their one reference when they go; get()
 * is the C handle. What can fail answers a result<T>: a value or an error. The C headers say what
 * each function does, how long it waits, and what its errors mean.
 *
 * Callbacks are anything callable. They are destroyed once, after their last call, whatever happens,
 * on the thread that needed them last. An exception never crosses the C library:
 * - out of a completion, an event, log or post it ends the program (std::terminate), as it does out
 *   of the function of a std::thread; tacit::catching() gives it to a handler instead;
 * - out of read, rewind, write, progress, open_url or device_prompt it ends the request or the
 *   sign-in, and comes out of the function that waits; a completion finds it in error::cause();
 * - out of a store it is a failure of the store, which has its what() in the message; out of get_key
 *   it is one without.
 *
 * Works with -fno-exceptions and -fno-rtti; value() ends the program then where there is none. What
 * the wrapper itself has no memory for is std::bad_alloc; nothing was taken over then.
 */
#ifndef TACIT_TACIT_HPP
#define TACIT_TACIT_HPP

#include <tacit/tacit.h>

#include <tacit/cxx/error.hpp>
#include <tacit/cxx/result.hpp>

#include <tacit/cxx/text.hpp>
#include <tacit/cxx/handle.hpp>

#include <tacit/cxx/client.hpp>
#include <tacit/cxx/store.hpp>
#include <tacit/cxx/request.hpp>
#include <tacit/cxx/sign_in.hpp>
#include <tacit/cxx/async.hpp>
#include <tacit/cxx/session.hpp>

#endif
