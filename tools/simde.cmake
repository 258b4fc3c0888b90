# Points CMake's FetchContent for simde at Debian's headers (package libsimde-dev) where they are installed.
# Elsewhere CMake fetches its own copy.
if(EXISTS "/usr/include/simde")
  set(FETCHCONTENT_SOURCE_DIR_SIMDE "/usr/include/simde" CACHE PATH "" FORCE)
  include_directories(SYSTEM /usr/include)
endif()
