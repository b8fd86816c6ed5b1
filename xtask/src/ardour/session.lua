-- A session of two tracks, each with Backline: one sends the drums, the other the bass. Run by `cargo xtask ardour`.
local folder = os.getenv("BACKLINE_ARDOUR")
AudioEngine:set_backend("JACK", "Ardour", "")
local session = create_session(folder .. "/session", "session", 48000)
local tempo = Temporal.TempoMap.write_copy()
tempo:set_tempo(Temporal.Tempo(100, 100, 4), Temporal.timepos_t(0))
Temporal.TempoMap.update(tempo)

-- Sets a parameter by the name that the host shows.
local function set(insert, name, value)
  local plugin, place = insert:to_insert():plugin(0), 0
  for i = 0, plugin:parameter_count() - 1 do
    if plugin:parameter_is_control(i) and plugin:parameter_is_input(i) then
      local _, got = plugin:get_parameter_descriptor(i, ARDOUR.ParameterDescriptor())
      if got[2].label == name then
        return ARDOUR.LuaAPI.set_processor_param(insert, place, value)
      end
      place = place + 1
    end
  end
  error("no parameter " .. name)
end

for name, part in pairs({ Drums = 1, Bass = 3 }) do
  local tracks = session:new_audio_track(2, 2, nil, 1, name, ARDOUR.PresentationInfo.max_order,
    ARDOUR.TrackMode.Normal, true, false)
  for track in tracks:iter() do
    local insert = ARDOUR.LuaAPI.new_plugin(session, "Backline", ARDOUR.PluginType.VST3, "")
    -- Ardour ends without a word when it is given a plugin that it does not know.
    assert(not insert:isnil(), "Ardour has not found Backline")
    track:add_processor_by_index(insert, 0, nil, true)
    set(insert, "Send", part)
    set(insert, "Style", 1)
    set(insert, "Humanise", 0)
    track:monitoring_control():set_value(1, PBD.GroupControlDisposition.NoGroup)
  end
end

io.open(folder .. "/ready", "w"):close()
repeat
  ARDOUR.LuaAPI.usleep(50000)
  local go = io.open(folder .. "/go")
until go
session:request_roll(ARDOUR.TransportRequestSource.TRS_UI)
ARDOUR.LuaAPI.usleep(30 * 1000000)
session:request_stop(false, false, ARDOUR.TransportRequestSource.TRS_UI)
ARDOUR.LuaAPI.usleep(1000000)
quit()
